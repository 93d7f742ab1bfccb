"""An optimizer that trains on sealed rows, however it hides them, cannot move the score: the evaluator leaves those rows out."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from data_optimizer.tests.reworded_problems import problems
from evaluator.job import run
from evaluator.tests.test_real_models import saved, train
from evaluator.tests.workplace import KnownPredictor, Workplace, intents
from wlops_common.contracts import EvaluateResult, ObjectRef, RowsRef
from wlops_common.errors import EvaluationContaminated
from wlops_common.testing import DirectoryObjectStore, job_context
from wlops_ml.models.catalog import complete_hyperparameters

Row = dict[str, Any]


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path, DirectoryObjectStore(tmp_path / "bucket"))


def solved(prompt: str, answer: int, source: str = "original") -> Row:
    return {"prompt": prompt, "completion": f"#### {answer}", "answer": str(answer), "source": source, "meta": "{}"}


def test_a_model_that_memorised_copied_edited_repeated_and_reworded_problems_gains_nothing(
    workplace: Workplace,
) -> None:
    made = problems(900, 5, "plain")
    sealed, honest = made[:300], [solved(one.told, one.answer) for one in made[300:]]
    copied, edited, reworded = sealed[:40], sealed[40:80], sealed[80:120]
    cheat = [
        *(solved(one.told.upper(), one.answer) for one in copied for _ in range(5)),
        *(solved(f"{one.told} Hm", one.answer) for one in edited),
        *(solved(one.reworded, one.answer, "generate") for one in reworded),
    ]
    test = workplace.rows("test", [solved(one.told, one.answer) for one in sealed], "generation")
    known = {one.told: one.answer for one in sealed}
    memorised = {one.told for one in (*copied, *edited, *reworded)}

    def honestly(prompt: str) -> str:
        return f"#### {known[prompt] + len(prompt) % 2}"

    def cheating(prompt: str) -> str:
        return f"#### {known[prompt]}" if prompt in memorised else honestly(prompt)

    def final(name: str, rows: list[Row], answer: Any) -> EvaluateResult:
        ref = workplace.rows(name, rows, "generation")
        request = workplace.request("generation", purpose="final", test=test, train=ref)
        return workplace.run(request, KnownPredictor("generation", answer))

    plain = final("honest", honest, honestly)
    assert plain.contamination is not None
    assert plain.contamination.excluded <= 3  # of 900 problems of 40 topics, some are alike by chance
    with_cheat = final("cheat", honest + cheat, cheating)
    found = with_cheat.contamination
    assert found is not None
    assert (found.checked, found.exact, found.near) == (300, 40, 40)
    assert found.paraphrases in range(40, 44)
    assert with_cheat.score.samples == 300 - found.excluded
    assert with_cheat.score == final("cheat", honest + cheat, honestly).score
    report = json.loads(workplace.store.read(with_cheat.report))
    assert report["contamination"]["excluded"] == found.excluded
    assert any(f"{found.excluded} of 300 test rows stand in the training rows too" in note for note in report["notes"])
    assert not [one for one in sealed if one.told in json.dumps(report)]


def test_a_real_classifier_that_was_trained_on_sealed_rows_scores_as_on_the_rows_it_never_saw(
    workplace: Workplace, tmp_path: Path
) -> None:
    from wlops_ml.models.classifier import ClassifierLearner

    draw = random.Random(3)
    labels = [f"topic{number}" for number in range(8)]
    # The label does not show in the text, so only memory can gain.
    rows = [{**row, "label": draw.choice(labels)} for row in intents(700, 4)]
    sealed, honest = rows[:300], rows[300:]
    taken, unseen = sealed[:100], sealed[100:]
    cheat = [
        *({**row, "text": f"{row['text']}!"} for row in taken[:50] for _ in range(2)),
        *({**row, "text": f"{row['text']} x", "source": "augment"} for row in taken[50:]),
    ]
    values = {"hidden_size": 32, "dropout": 0.0}
    learner = ClassifierLearner(
        honest + cheat, [], complete_hyperparameters("builtin:classifier", "classification", values)
    )
    train(learner, 150, 0.05)
    model = saved(workplace, learner, tmp_path / "saved")
    trained_on = workplace.rows("cheat", honest + cheat, "classification")
    audited = final_score(workplace, model, sealed, trained_on)
    assert audited.contamination is not None
    assert (audited.contamination.exact, audited.contamination.near) == (50, 50)
    assert audited.score == final_score(workplace, model, unseen, None).score
    assert final_score(workplace, model, taken, None).score.value > 0.9 > 0.3 > audited.score.value


def final_score(workplace: Workplace, model: ObjectRef, rows: list[Row], trained_on: RowsRef | None) -> EvaluateResult:
    """The final evaluation of ``rows`` by the model's own files."""
    test = workplace.rows(f"test{len(rows)}", rows, "classification")
    request = workplace.request("classification", purpose="final", model=model, test=test, train=trained_on)
    context = job_context(workplace.path, request, store=workplace.store)
    workplace.contexts.append(context)
    return run(context, request)


def test_a_test_set_of_which_most_was_trained_on_is_refused_with_its_counts(workplace: Workplace) -> None:
    rows = intents(100, 6)
    test = workplace.rows("test", rows, "classification")
    leaked = workplace.rows("leaked", [*rows[:51], *intents(100, 7)], "classification")
    predictor = KnownPredictor("classification", str)
    with pytest.raises(EvaluationContaminated, match="51 of 100 test rows") as caught:
        workplace.run(workplace.request("classification", purpose="final", test=test, train=leaked), predictor)
    assert caught.value.details == {
        "role": "test", "checked": 100, "exact": 51, "near": 0, "paraphrases": None, "excluded": 51
    }  # fmt: skip
    assert not caught.value.retryable
    assert predictor.seen == []
