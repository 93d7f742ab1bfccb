"""The metric ``loss``: direction, intervals, comparisons, bad cases, and what a reader is told where it is the better metric."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import polars as pl
import pytest

from evaluator.tests.test_comparison import SEALED, champion, scored
from evaluator.tests.test_job import LABELS, report_of, sets, weak_on_topic3
from evaluator.tests.workplace import CompletionLoss, KnownPredictor, Workplace, intents, word_problems
from wlops_common.contracts import ChampionOutcomes
from wlops_common.errors import DatasetTooSmall, ModelTaskMismatch
from wlops_ml.models.base import WORST_LOSS


def free_text(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Questions with answers of two sentences on two lines, which have no final answer; no two rows are near-duplicates."""
    draw = random.Random(seed)

    def words() -> str:
        return " ".join("".join(draw.choices("abcdefghijklmnop", k=6)) for _ in range(6))

    return [
        {
            "prompt": f"Why {words()}?",
            "completion": f"Because {words()}.\nAnd {words()}.",
            "answer": None,
            "source": "original",
            "meta": "{}",
        }
        for _ in range(count)
    ]


def by_letters(prompt: str, completion: str) -> float:
    """A loss that depends on the row."""
    return 0.5 + sum(map(ord, prompt + completion)) % 101 / 100


def writer(loss: CompletionLoss = by_letters) -> KnownPredictor:
    """A model that answers something else to every question."""
    return KnownPredictor("generation", lambda prompt: f"No idea about {prompt}", loss=loss)


def test_free_text_is_scored_by_the_mean_loss_of_its_completions_and_lower_is_better(workplace: Workplace) -> None:
    rows = free_text(300)
    predictor = writer()
    request = workplace.request("generation", metric="loss", **sets(workplace, "generation", rows))
    result = workplace.run(request, predictor)
    losses = [by_letters(row["prompt"], row["completion"]) for row in rows[200:]]
    assert (result.metric.name, result.metric.higher_is_better) == ("loss", False)
    assert result.score.value == pytest.approx(np.mean(losses))
    half = 1.984 * np.std(losses, ddof=1) / 10
    assert (result.score.low, result.score.high) == pytest.approx(
        (result.score.value - half, result.score.value + half), abs=1e-4
    )
    assert (result.score.samples, result.score.unscored) == (100, 0)
    assert "loss" not in result.secondary
    # All answers differ from what is wanted: nothing stands out, and what can be done is for all rows.
    assert (result.slices, result.bad_cases) == ([], 100)
    assert {(one.kind, one.slice, one.gain_bound) for one in result.improvements} == {
        ("collect", "all rows", 1.0),
        ("select", "all rows", 1.0),
    }
    assert {name for row in predictor.seen for name in row} == {"id", "prompt"}
    assert {name for row in predictor.told for name in row} == {"id", "prompt", "completion"}


def test_the_worst_predicted_completions_are_the_first_bad_cases(workplace: Workplace) -> None:
    rows = free_text(750)
    result = workplace.run(
        workplace.request("generation", metric="loss", **sets(workplace, "generation", rows)), writer()
    )
    shown = report_of(workplace, result)["badCases"]
    worst = sorted((by_letters(row["prompt"], row["completion"]) for row in rows[250:500]), reverse=True)
    assert shown["total"] == 250
    assert [case["loss"] for case in shown["shown"]] == pytest.approx(worst[:200])


def test_free_text_that_is_answered_word_by_word_is_no_bad_case(workplace: Workplace) -> None:
    rows = free_text(750)
    wanted = {row["prompt"]: row["completion"] for row in rows[::2]}
    answers = KnownPredictor("generation", lambda prompt: wanted.get(prompt, "no idea"), loss=by_letters)
    result = workplace.run(
        workplace.request("generation", metric="loss", **sets(workplace, "generation", rows)), answers
    )
    told = sum(row["prompt"] in wanted for row in rows[250:500])
    assert 100 < told < 150
    assert result.bad_cases == 250 - told


def test_beside_other_metrics_the_loss_is_a_secondary_figure(workplace: Workplace) -> None:
    refs = sets(workplace, "generation", word_problems(300, 1))
    result = workplace.run(
        workplace.request("generation", **refs), KnownPredictor("generation", lambda _: "#### 1", loss=lambda *_: 2.5)
    )
    assert (result.metric.name, result.metric.higher_is_better) == ("exact_match", True)
    assert result.secondary["loss"] == 2.5


def test_a_classifier_is_scored_by_its_log_loss(workplace: Workplace) -> None:
    refs = sets(workplace, "classification", intents(960, 1))
    request = workplace.request("classification", metric="loss", **refs)
    result = workplace.run(request, KnownPredictor("classification", weak_on_topic3, LABELS))
    assert result.score.value == pytest.approx(0.875 * 0.2231 + 0.125 * 3.5553, abs=1e-3)
    assert result.secondary["accuracy"] == 0.875
    # Findings stay by right and wrong.
    assert "label = topic3" in {found.name for found in result.slices}
    assert report_of(workplace, result)["badCases"]["total"] == 40


def test_a_challenger_is_compared_by_the_losses_of_each_row(workplace: Workplace) -> None:
    refs = sets(workplace, "generation", free_text(300))
    first = scored(workplace, refs, writer(), metric="loss")
    better = writer(lambda prompt, completion: by_letters(prompt, completion) - 0.1 - sum(map(ord, prompt)) % 3 / 100)
    result = scored(workplace, refs, better, metric="loss", champion=champion(first))
    found = result.comparison
    assert found is not None
    assert found.difference == pytest.approx(result.score.value - first.score.value)
    # What is hard for both cancels out: the scores' own intervals overlap.
    assert found.low < found.difference < found.high < -0.1
    assert result.score.high > first.score.low
    assert (found.samples, found.gained, found.lost, found.p_value, found.regressions) == (100, 0, 0, 1.0, [])
    # Where no answer is right, more confidence is no worse calibration.
    assert found.calibration_change is None
    again = scored(workplace, refs, writer(), metric="loss", champion=champion(first)).comparison
    assert again is not None
    assert (again.difference, again.low, again.high) == (0.0, 0.0, 0.0)


def test_outcomes_kept_before_losses_were_serve_other_metrics_and_none_the_loss(workplace: Workplace) -> None:
    refs = sets(workplace, "generation", word_problems(300, 1))
    model = KnownPredictor("generation", lambda _: "#### 1")
    first = scored(workplace, refs, model)
    assert first.outcomes is not None
    older = workplace.store.root / f"{SEALED}older.parquet"
    pl.read_parquet(workplace.store.root / first.outcomes.key).drop("loss", "found").write_parquet(older)
    kept = ChampionOutcomes(iteration=0, outcomes=workplace.store.put(f"{SEALED}older.parquet", older.read_bytes()))
    found = scored(workplace, refs, model, champion=kept).comparison
    assert found is not None
    assert (found.samples, found.difference) == (100, 0.0)
    assert scored(workplace, refs, model, metric="loss", champion=kept).comparison is None


def test_rows_without_a_completion_are_left_out_and_told(workplace: Workplace) -> None:
    rows = [{**row, "completion": " " if at < 20 else row["completion"][:40]} for at, row in enumerate(free_text(120))]
    select = workplace.rows("select", rows, "generation")
    silent = KnownPredictor("generation", lambda _: "")
    result = workplace.run(workplace.request("generation", select=select, metric="loss"), silent)
    assert (result.score.samples, result.score.unscored) == (100, 20)
    report = report_of(workplace, result)
    assert report["roles"]["select"]["unscoredReasons"] == {"no completion": 20}
    assert any("20 select rows" in note for note in report["notes"])
    assert not any("count as wrong" in note for note in report["notes"])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9])
def test_a_loss_that_is_no_number_is_the_worst_and_does_not_take_a_row_out(workplace: Workplace, value: float) -> None:
    select = workplace.rows("select", free_text(100), "generation")
    broken = writer(lambda prompt, _: value if sum(map(ord, prompt)) % 2 else 1.0)
    result = workplace.run(workplace.request("generation", select=select, metric="loss"), broken)
    assert result.score.samples == 100
    assert 1.0 < result.score.value < WORST_LOSS


def test_a_row_found_among_the_training_rows_has_the_worst_loss(workplace: Workplace) -> None:
    rows = free_text(200)
    select = workplace.rows("select", rows, "generation")
    known = {row["prompt"] for row in rows[:5]}
    fields = {"select": select, "metric": "loss", "sealed_prefix": SEALED}
    honest = workplace.rows("honest", free_text(100, 2), "generation")
    plain = workplace.run(workplace.request("generation", train=honest, **fields), writer(lambda *_: 3.0))
    assert plain.score.value == 3.0
    cheat = workplace.rows("cheat", [*free_text(100, 2), *rows[:5]], "generation")
    knows = writer(lambda prompt, _: 0.0 if prompt in known else 3.0)
    result = workplace.run(workplace.request("generation", train=cheat, champion=champion(plain), **fields), knows)
    assert result.contamination is not None
    assert result.contamination.excluded == 5
    assert result.score.value == pytest.approx((195 * 3.0 + 5 * WORST_LOSS) / 200)
    assert result.comparison is not None
    assert result.comparison.difference == pytest.approx(result.score.value - 3.0)


def test_where_nearly_no_sentence_matches_the_report_names_the_metric_to_ask_for(workplace: Workplace) -> None:
    rows = [{**row, "completion": row["completion"].split("\n")[0][:40]} for row in free_text(300)]
    refs = sets(workplace, "generation", rows)

    def notes(**fields: Any) -> list[str]:
        result = workplace.run(workplace.request("generation", **refs, **fields), writer())
        return [note for note in report_of(workplace, result)["notes"] if "as in free text" in note]

    select, mine = notes()
    assert select.startswith("0 of 100 answers to select rows match")
    assert select.endswith("Create the task with the metric `loss`.")
    assert "mine rows" in mine
    assert notes(metric="loss") == []
    maths = workplace.request("generation", **sets(workplace, "generation", word_problems(300, 1)))
    poor = report_of(workplace, workplace.run(maths, KnownPredictor("generation", lambda _: "#### 1")))
    assert "free text" not in json.dumps(poor["notes"])


def test_free_text_that_no_other_metric_can_score_is_sent_to_the_loss(workplace: Workplace) -> None:
    select = workplace.rows("select", free_text(40), "generation")
    with pytest.raises(DatasetTooSmall, match="free text is for the metric `loss`"):
        workplace.run(workplace.request("generation", select=select), writer())
    blank = workplace.rows("blank", [{**row, "completion": ""} for row in free_text(40)], "generation")
    with pytest.raises(DatasetTooSmall, match="None of the 40 select rows has a completion whose"):
        workplace.run(workplace.request("generation", select=blank, metric="loss"), writer())


def test_a_classifier_without_probabilities_is_named_as_what_the_loss_lacks(workplace: Workplace) -> None:
    select = workplace.rows("select", intents(40, 1), "classification")
    request = workplace.request("classification", select=select, metric="loss")
    with pytest.raises(ModelTaskMismatch, match="gives no probabilities for the 40 select rows"):
        workplace.run(request, KnownPredictor("classification", lambda text: text.split()[1]))
