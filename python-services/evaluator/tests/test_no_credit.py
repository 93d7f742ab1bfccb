"""Rows found among the training rows: no score is better than with any other answers of the model to them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from evaluator.confusion import Confusion
from evaluator.evaluate import evaluate
from evaluator.no_credit import without_credit
from evaluator.outcomes import Outcomes, predict
from evaluator.scorers import scorer_for
from evaluator.tests.workplace import KnownPredictor
from wlops_ml.models.base import WORST_LOSS


def outcomes(pairs: Sequence[tuple[str | None, str]], labels: str = "") -> Outcomes:
    """Outcomes of a classifier: wanted and predicted label per row."""
    table = pl.DataFrame(
        {
            "id": [str(row) for row in range(len(pairs))],
            "group": [str(row) for row in range(len(pairs))],
            "text": [str(row) for row in range(len(pairs))],
            "label": [wanted for wanted, _ in pairs],
        }
    )
    predictor = KnownPredictor("classification", lambda text: pairs[int(text)][1], labels)
    return predict(
        predictor,
        table,
        "classification",
        scorer_for("classification"),
        on_progress=lambda _done, _total: None,
        check=lambda: None,
    )


def macro_f1(pairs: list[tuple[str, str]]) -> float:
    return Confusion.of([wanted for wanted, _ in pairs], [given for _, given in pairs]).macro_f1()


@pytest.mark.parametrize("seed", range(60))
def test_macro_f1_is_the_least_that_any_labels_of_those_rows_could_give(seed: int) -> None:
    draw = random.Random(seed)
    given = "abcyz"[: 3 + seed % 3]
    pairs = [(wanted, wanted if draw.random() < 0.6 else draw.choice(given)) for wanted in draw.choices("abc", k=10)]
    pairs += [(label, label) for label in "abc"[: seed % 4]]
    count = draw.randint(1, 4)
    found = np.array([row < count for row in range(len(pairs))])
    judged = without_credit(outcomes(pairs), found, "classification")
    ours = [(wanted, given) for (wanted, _), given in zip(pairs, judged.predictions, strict=True)]
    assert all(wanted != given for wanted, given in ours[:count])
    assert ours[count:] == pairs[count:]
    occurring = sorted({label for pair in pairs for label in pair})
    wrong = ([label for label in occurring if label != wanted] for wanted, _ in pairs[:count])
    least = min(
        macro_f1([*((wanted, label) for (wanted, _), label in zip(pairs, labels, strict=False)), *pairs[count:]])
        for labels in itertools.product(*wrong)
    )
    assert macro_f1(ours) == pytest.approx(least, abs=1e-12)
    assert macro_f1(ours) <= macro_f1(pairs)


def test_a_label_that_only_such_rows_are_given_stays_one_to_take_the_mean_over() -> None:
    pairs = [("a", "z"), ("b", "a"), *[("a", "a"), ("b", "b")] * 10]
    judged = without_credit(outcomes(pairs), np.arange(len(pairs)) == 0, "classification")
    assert judged.predictions == [given for _, given in pairs]


def test_a_new_label_is_not_taken_where_another_costs_more() -> None:
    pairs = [("b", "z"), ("a", "a"), ("b", "c"), ("c", "b")]
    judged = without_credit(outcomes(pairs), np.arange(len(pairs)) == 0, "classification")
    assert judged.predictions == ["a", "a", "c", "b"]


def test_confidence_in_rows_that_were_trained_on_is_neither_good_nor_bad() -> None:
    before = outcomes([("a", "a")] * 40 + [("b", "b")] * 40, labels="ab")
    judged = without_credit(before, np.arange(80) % 4 == 0, "classification")
    plain, audited = (evaluate(one, "accuracy", "classification", "test", 1) for one in (before, judged))
    # All right at a confidence of 0.8: a quarter called wrong would make that 0.05.
    assert plain.secondary["ece"] == pytest.approx(0.2)
    assert audited.secondary["ece"] == pytest.approx(0.2)
    assert audited.score.value == 0.75


def test_where_there_is_one_label_only_the_answer_is_none() -> None:
    judged = without_credit(outcomes([("a", "a")] * 3), np.arange(3) < 2, "classification")
    assert judged.predictions == ["", "", "a"]
    assert evaluate(judged, "accuracy", "classification", "test", 1).score.value == pytest.approx(1 / 3)


def test_every_measure_takes_its_worst_value_and_unscored_rows_stay_unscored() -> None:
    pairs: list[tuple[str | None, str]] = [("a", "a"), (None, "a"), ("b", "b"), ("b", "a")]
    before = outcomes(pairs, labels="ab")
    judged = without_credit(before, np.array([True, True, False, False]), "classification")
    assert judged.scored.tolist() == [True, False, True, True]
    assert judged.right.tolist() == judged.strictly_right.tolist() == [False, False, True, False]
    assert judged.briers[0] == 2.0
    assert judged.log_losses[0] == pytest.approx(27.63, abs=0.01)
    assert np.isnan(judged.log_losses[1])
    assert judged.briers[2:].tolist() == before.briers[2:].tolist()
    assert judged.confidences is before.confidences


def test_a_completion_without_a_final_answer_has_the_worst_loss_too() -> None:
    before = replace(outcomes([(None, "a"), ("b", "b"), (None, "a")]), log_losses=np.array([1.0, 2.0, np.nan]))
    judged = without_credit(before, np.array([True, False, True]), "generation")
    assert judged.log_losses.tolist() == pytest.approx([WORST_LOSS, 2.0, np.nan], nan_ok=True)
    assert judged.scored.tolist() == [False, True, False]


def test_without_such_rows_nothing_changes() -> None:
    before = outcomes([("a", "b"), (None, "a")])
    assert without_credit(before, np.array([False, True]), "classification") is before
