"""Challenger against champion, from the files that evaluations leave."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from evaluator.outcome_file import prediction_hash
from evaluator.paired import mcnemar_p
from evaluator.tests.test_job import LABELS, sets, weak_on_division, weak_on_topic3
from evaluator.tests.workplace import KnownPredictor, Workplace, intents, word_problems
from wlops_common.contracts import ChampionOutcomes, EvaluateResult
from wlops_common.errors import ArtifactChanged
from wlops_common.manifest import find_manifest

SEALED = "evaluations/t/sealed/"


def weak_on_topic5(text: str) -> str:
    label = next(word for word in text.split() if word.startswith("topic"))
    return "topic6" if label == "topic5" else label


def scored(workplace: Workplace, refs: dict[str, Any], predictor: KnownPredictor, **fields: Any) -> EvaluateResult:
    request = workplace.request(predictor.task_type, sealed_prefix=SEALED, **refs, **fields)
    return workplace.run(request, predictor)


def champion(result: EvaluateResult) -> ChampionOutcomes:
    assert result.outcomes is not None
    return ChampionOutcomes(iteration=4, outcomes=result.outcomes)


def test_what_was_right_is_kept_under_the_sealed_prefix_without_a_text(workplace: Workplace) -> None:
    refs = sets(workplace, "generation", word_problems(600, 1))
    result = scored(workplace, refs, KnownPredictor("generation", weak_on_division))
    assert result.outcomes is not None
    assert result.outcomes.key == f"{SEALED}0-s0/attempt-1/outcomes.parquet"
    kept = pl.read_parquet(workplace.store.root / result.outcomes.key)
    assert kept["id"].to_list() == sorted(kept["id"].to_list())
    assert kept["right"].mean() == result.score.value
    assert kept["predicted"][0] == prediction_hash(prediction_of(workplace, kept["id"][0]))
    assert not [name for name in kept.columns if name in ("prompt", "completion", "prediction", "reference")]
    found = find_manifest(workplace.store, workplace.request("generation").output_prefix.replace("s1/", "s0/"))
    assert found is not None
    assert found[1].file("outcomes.parquet") == result.outcomes
    again = scored(workplace, refs, KnownPredictor("generation", weak_on_division))
    assert again.outcomes is not None
    assert again.outcomes.sha256 == result.outcomes.sha256


def prediction_of(workplace: Workplace, row_id: str) -> str:
    rows = pl.read_parquet(workplace.store.root / "rows/select.parquet")
    return weak_on_division(rows.filter(pl.col("id") == row_id)["prompt"].item())


def test_nothing_is_kept_of_a_final_evaluation_or_without_a_sealed_prefix(workplace: Workplace) -> None:
    test = workplace.rows("test", word_problems(120, 1), "generation")
    predictor = KnownPredictor("generation", weak_on_division)
    final = scored(workplace, {"test": test}, predictor, purpose="final")
    plain = workplace.run(workplace.request("generation", select=test), predictor)
    assert (final.outcomes, plain.outcomes, final.comparison, plain.comparison) == (None, None, None, None)
    assert workplace.written(SEALED) == {}


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_a_challenger_with_another_weakness_is_no_better_and_falls_where_it_is_weak(
    workplace: Workplace, metric: str
) -> None:
    refs = sets(workplace, "classification", intents(1800, 1))
    first = scored(workplace, refs, KnownPredictor("classification", weak_on_topic3, LABELS, 0.9), metric=metric)
    challenger = KnownPredictor("classification", weak_on_topic5, LABELS, 0.7)
    result = scored(workplace, refs, challenger, metric=metric, champion=champion(first))
    found = result.comparison
    assert found is not None
    assert (found.champion_iteration, found.samples, found.gained, found.lost) == (4, 600, 75, 75)
    assert found.difference == pytest.approx(0.0, abs=1e-9)
    assert found.low < 0 < found.high
    assert found.p_value == 1.0
    names = {one.name: (one.support, one.before, one.after) for one in found.regressions}
    assert names["label = topic5"] == (75, 0.0, 1.0)
    assert "label = topic3" not in names
    assert all(one.q_value < 0.1 and one.after - one.before > 0.03 for one in found.regressions)
    # Both are right on 7 of 8 rows; 0.875 is 0.025 from a confidence of 0.9 and 0.175 from 0.7.
    assert found.calibration_change == pytest.approx(0.15)
    report = json.loads(workplace.store.read(result.report))
    assert report["comparison"] == found.to_json()


def test_a_better_challenger_is_told_by_its_gained_rows(workplace: Workplace) -> None:
    refs = sets(workplace, "generation", word_problems(900, 1))
    first = scored(workplace, refs, KnownPredictor("generation", lambda _: "#### 1"))
    result = scored(workplace, refs, KnownPredictor("generation", weak_on_division), champion=champion(first))
    found = result.comparison
    assert found is not None
    assert (found.difference, found.lost) == (result.score.value - first.score.value, 0)
    assert 0 < found.low < found.difference < found.high
    assert found.p_value == mcnemar_p(found.gained, 0) < 1e-9
    assert found.regressions == []


def test_rows_that_only_one_of_the_two_was_scored_on_are_left_out(workplace: Workplace) -> None:
    rows = word_problems(300, 1)
    predictor = KnownPredictor("generation", weak_on_division)
    older = scored(workplace, {"select": workplace.rows("old", rows[:200], "generation")}, predictor)
    newer = {"select": workplace.rows("new", rows[100:], "generation")}
    found = scored(workplace, newer, predictor, champion=champion(older)).comparison
    assert found is not None
    assert (found.samples, found.difference, found.p_value) == (100, 0.0, 1.0)
    other = {"select": workplace.rows("other", word_problems(100, 9)[:5], "generation")}
    elsewhere = scored(workplace, other, predictor)
    assert scored(workplace, newer, predictor, champion=champion(elsewhere)).comparison is None


def test_an_object_that_holds_no_outcomes_is_told(workplace: Workplace) -> None:
    refs = {"select": workplace.rows("select", intents(40, 1), "classification")}
    predictor = KnownPredictor("classification", weak_on_topic3, LABELS)
    for data in (b"no parquet", (workplace.store.root / "rows/select.parquet").read_bytes()):
        wrong = ChampionOutcomes(iteration=0, outcomes=workplace.store.put("evaluations/t/sealed/x", data))
        with pytest.raises(ArtifactChanged, match="holds no outcomes"):
            scored(workplace, refs, predictor, champion=wrong)
