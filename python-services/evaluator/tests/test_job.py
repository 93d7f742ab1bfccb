"""Whole evaluation jobs on a bucket, with a model whose answers are known."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import polars as pl
import pytest

from evaluator.job import run
from evaluator.row_files import read_table
from evaluator.tests.workplace import KnownPredictor, Workplace, intents, word_problems
from wlops_common.contracts import ObjectRef
from wlops_common.errors import DatasetEmpty, DatasetTooSmall, DatasetUnreadable, MetricUnknown, ModelTaskMismatch
from wlops_common.job_context import JobInterrupted
from wlops_common.manifest import AlreadyCommitted, find_manifest, read_manifest
from wlops_common.testing import job_context
from wlops_ml.features import Predicate, matches
from wlops_ml.margins import read_margins

LABELS = [f"topic{number}" for number in range(8)]


def weak_on_division(prompt: str) -> str:
    """Solves everything but division, where it multiplies."""
    a, b = (int(token) for token in re.findall(r"\d+", prompt)[:2])
    if "finds" in prompt:
        return f"#### {a + b}"
    if "loses" in prompt:
        return f"#### {a - b}"
    return f"#### {a * b}"


def weak_on_topic3(text: str) -> str:
    """Takes topic3 for topic4 and knows all others."""
    label = next(word for word in text.split() if word.startswith("topic"))
    return "topic4" if label == "topic3" else label


def sets(workplace: Workplace, task_type: Any, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows as train, mine and select, a third each."""
    third = len(rows) // 3
    return {
        role: workplace.rows(role, rows[number * third : (number + 1) * third], task_type)
        for number, role in enumerate(("train", "mine", "select"))
    }


def report_of(workplace: Workplace, result: Any) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(workplace.store.read(result.report))
    return report


def test_an_iteration_is_scored_on_select_and_learns_the_failing_slice_from_mine(workplace: Workplace) -> None:
    request = workplace.request("generation", **sets(workplace, "generation", word_problems(900, 1)))
    result = workplace.run(request, KnownPredictor("generation", weak_on_division))

    assert (result.metric.name, result.role, result.score.samples) == ("exact_match", "select", 300)
    assert result.score.value == pytest.approx(0.75)
    assert result.score.low < 0.75 < result.score.high
    assert [found.name for found in result.slices] == ["operation = ÷"]
    assert (result.slices[0].error_rate, result.slices[0].support) == (1.0, 75)
    assert [(one.kind, one.slice) for one in result.improvements] == [
        ("generate", "operation = ÷"),
        ("select", "operation = ÷"),
    ]
    assert result.improvements[0].gain_bound == pytest.approx(0.25 * 0.75)
    # Of every part, also of those that do not stand out: by these the next iteration tells what was mended.
    rates = {one.name: (one.support, one.error_rate) for one in result.error_rates}
    assert rates["all rows"] == (300, 0.25)
    assert (rates["operation = ÷"], rates["operation = +"]) == ((75, 1.0), (75, 0.0))
    assert result.bad_cases == 75
    assert result.improvements_file is not None
    suggested = json.loads(workplace.store.read(result.improvements_file))["improvements"][0]
    division = Predicate.from_json(suggested["predicate"])
    assert len(suggested["examples"]) == 40
    assert all(matches(row, division, "generation") and row["prediction"] for row in suggested["examples"])


def test_bad_cases_come_with_their_slices_and_the_nearest_training_rows(workplace: Workplace) -> None:
    request = workplace.request("generation", **sets(workplace, "generation", word_problems(900, 1)))
    result = workplace.run(request, KnownPredictor("generation", weak_on_division))
    shown = report_of(workplace, result)["badCases"]
    assert shown["total"] == len(shown["shown"]) == 75
    for case in shown["shown"]:
        assert case["slices"] == ["operation = ÷"]
        assert len(case["nearest"]) == 3
        assert all("shares" in near["input"] and 0 < near["similarity"] <= 1 for near in case["nearest"])


def test_a_confused_pair_of_classes_is_named_and_both_remedies_are_offered(workplace: Workplace) -> None:
    request = workplace.request("classification", **sets(workplace, "classification", intents(960, 1)))
    result = workplace.run(request, KnownPredictor("classification", weak_on_topic3, LABELS))
    names = {found.name for found in result.slices}
    assert {"label = topic3", "confused = topic3 → topic4"} <= names
    kinds = {(one.kind, one.slice) for one in result.improvements}
    assert {("select", "label = topic3"), ("augment", "label = topic3"), ("fix", "confused = topic3 → topic4")} <= kinds
    assert result.secondary["loss"] == pytest.approx(0.875 * 0.2231 + 0.125 * 3.5553, abs=1e-3)
    # How sure the model was, and what it had never read, are told beside the features of the rows, but name no slice.
    report = report_of(workplace, result)
    rates = {one["name"]: (one["support"], one["errorRate"]) for one in report["features"]}
    assert rates["confidence = 0.8 to 0.95"] == rates["unseen words = a fifth or more"] == (320, 0.125)
    assert not [name for name in names if name.startswith(("confidence", "unseen"))]
    assert report["confusion"]["pairs"] == [{"label": "topic3", "predicted": "topic4", "rows": 40}]


def test_error_rates_are_of_the_same_rows_whatever_the_model_and_its_training_rows(workplace: Workplace) -> None:
    fields = sets(workplace, "classification", intents(600, 1))
    before = KnownPredictor("classification", weak_on_topic3, LABELS, lambda text: 0.4 if "card" in text else 0.99)
    first = workplace.run(workplace.request("classification", **fields), before)
    fields["train"] = fields["mine"]
    after = KnownPredictor("classification", lambda text: text.split()[1], LABELS, 0.6)
    second = workplace.run(workplace.request("classification", **fields), after)
    members = [{one.name: one.support for one in result.error_rates} for result in (first, second)]
    assert members[0] == members[1]
    assert {"all rows", "label = topic3"} <= members[0].keys()


def test_the_pool_is_told_by_margins_and_neither_by_texts_nor_by_labels(workplace: Workplace) -> None:
    pool = intents(60, 9)
    given = workplace.rows("pool", pool, "classification")
    fields = sets(workplace, "classification", intents(300, 1))
    unsure = {row["text"] for row in pool[:20]}
    model = KnownPredictor("classification", weak_on_topic3, LABELS, lambda text: 0.4 if text in unsure else 0.8)
    result = workplace.run(workplace.request("classification", **fields, pool=given), model)
    assert result.improvements_file is not None
    ref = ObjectRef.model_validate(json.loads(workplace.store.read(result.improvements_file))["poolMargins"])
    data = workplace.store.read(ref)
    margins = read_margins(data)
    texts = {
        row["id"]: row["text"] for row in read_table(workplace.contexts[-1], given, "classification", "pool").to_dicts()
    }
    assert margins.keys() == texts.keys()
    least = sorted(margins, key=lambda row_id: margins[row_id][0])[:20]
    assert {texts[row_id] for row_id in least} == unsure
    assert {predicted for _, predicted in margins.values()} <= set(LABELS)
    assert pool[0]["text"].encode() not in data

    final = workplace.request("classification", purpose="final", test=fields["select"], pool=given)
    workplace.run(final, model)
    assert not [key for key in workplace.written(final.output_prefix) if "margins" in key]


def test_without_a_pool_no_margins_are_told(workplace: Workplace) -> None:
    request = workplace.request("classification", **sets(workplace, "classification", intents(300, 1)))
    result = workplace.run(request, KnownPredictor("classification", weak_on_topic3, LABELS))
    assert result.improvements_file is not None
    assert json.loads(workplace.store.read(result.improvements_file))["poolMargins"] is None


def test_a_model_without_faults_gets_one_improvement_that_says_so(workplace: Workplace) -> None:
    request = workplace.request("classification", **sets(workplace, "classification", intents(300, 1)))
    result = workplace.run(request, KnownPredictor("classification", lambda text: text.split()[1], LABELS))
    assert result.score.value == 1.0
    assert result.score.low < 1.0
    assert [(one.kind, one.slice) for one in result.improvements] == [("none", "all rows")]
    assert result.bad_cases == 0


def test_a_model_that_is_wrong_everywhere_is_not_left_without_advice(workplace: Workplace) -> None:
    request = workplace.request("classification", **sets(workplace, "classification", intents(300, 1)))
    result = workplace.run(request, KnownPredictor("classification", lambda _: "topic0?", LABELS))
    assert (result.score.value, result.slices) == (0.0, [])
    assert [(one.kind, one.slice, one.gain_bound) for one in result.improvements] == [
        (kind, "all rows", 1.0) for kind in ("select", "augment", "fix")
    ]


def test_a_final_evaluation_leaves_no_trace_of_a_test_row(workplace: Workplace) -> None:
    rows = word_problems(400, 2)
    test = workplace.rows("test", rows[:200], "generation")
    select = workplace.rows("select", rows[200:], "generation")
    train = workplace.rows("train", word_problems(300, 5), "generation")
    request = workplace.request("generation", purpose="final", test=test, select=select, train=train)
    result = workplace.run(request, KnownPredictor("generation", weak_on_division))

    assert (result.role, result.improvements_file, result.slices, result.improvements) == ("test", None, [], [])
    assert result.bad_cases == 0
    assert result.score.samples == 200
    assert result.contamination is not None  # for which `select` was read
    ids = frame_ids(workplace, "test") | frame_ids(workplace, "select")
    written = workplace.written("evaluations/")
    assert {key.rsplit("/", 1)[1] for key in written} == {"report.json", "timing.json", "manifest.json"}
    reported = [line.model_dump_json() for line in workplace.contexts[-1].recorder.progress]
    everything = (
        b"".join(written.values()).decode() + "".join(reported) + json.dumps(workplace.contexts[-1].recorder.log)
    )
    for row_id in ids:
        assert row_id not in everything
    for fragment in ("pens", "shares", "####", "÷", "operation"):
        assert fragment not in everything
    report = report_of(workplace, result)
    assert report["confusion"] is None
    assert report["roles"]["test"]["perClass"] is None


def test_a_final_evaluation_of_a_classifier_names_no_class(workplace: Workplace) -> None:
    test = workplace.rows("test", intents(200, 2), "classification")
    request = workplace.request("classification", purpose="final", test=test, metric="macro_f1")
    result = workplace.run(request, KnownPredictor("classification", weak_on_topic3, LABELS))
    assert result.score.samples == 200
    assert report_of(workplace, result)["roles"]["test"]["calibration"]
    assert b"topic" not in b"".join(workplace.written("evaluations/").values())


def test_a_result_tells_how_often_its_job_was_begun(workplace: Workplace) -> None:
    """Each time the sealed rows may have been read."""
    test = workplace.rows("test", intents(300, 6), "classification")
    model = KnownPredictor("classification", weak_on_topic3, LABELS)
    requests = [workplace.request("classification", purpose="final", test=test, segment=segment) for segment in (0, 1)]
    results = [
        workplace.run(request.model_copy(update={"output_prefix": f"evaluations/t/{attempt}/"}), model, attempt=attempt)
        for request, attempt in zip(requests, (1, 3), strict=True)
    ]
    assert [result.attempts for result in results] == [1, 3]


def test_the_report_says_how_common_a_slice_is_in_training(workplace: Workplace) -> None:
    rows = word_problems(900, 1)
    refs = sets(workplace, "generation", rows)
    rare = [row for row in rows[:300] if "shares" not in row["prompt"]] + rows[3:40:4]
    refs["train"] = workplace.rows("rare", rare, "generation")
    result = workplace.run(workplace.request("generation", **refs), KnownPredictor("generation", weak_on_division))
    (found,) = report_of(workplace, result)["slices"]
    assert found["trainShare"] == pytest.approx(10 / len(rare))


def test_an_iteration_writes_nothing_about_single_select_rows(workplace: Workplace) -> None:
    refs = sets(workplace, "generation", word_problems(900, 3))
    workplace.run(workplace.request("generation", **refs), KnownPredictor("generation", weak_on_division))
    everything = b"".join(workplace.written("evaluations/").values()).decode()
    assert not [row_id for row_id in frame_ids(workplace, "select") if row_id in everything]
    assert [row_id for row_id in frame_ids(workplace, "mine") if row_id in everything]


def frame_ids(workplace: Workplace, role: str) -> set[str]:
    return set(pl.read_parquet(workplace.store.root / f"rows/{role}.parquet")["id"])


def test_the_model_never_sees_a_reference(workplace: Workplace) -> None:
    predictor = KnownPredictor("classification", weak_on_topic3, LABELS)
    workplace.run(workplace.request("classification", **sets(workplace, "classification", intents(300, 1))), predictor)
    assert {name for row in predictor.seen for name in row} == {"id", "text"}


def test_the_same_request_gives_the_same_bytes(workplace: Workplace) -> None:
    refs = sets(workplace, "classification", intents(600, 4))
    results = [
        workplace.run(
            workplace.request("classification", metric="macro_f1", **refs),
            KnownPredictor("classification", weak_on_topic3, LABELS),
        )
        for _ in range(2)
    ]
    assert results[0].report.key != results[1].report.key
    assert results[0].report.sha256 == results[1].report.sha256
    assert results[0].improvements_file is not None
    assert results[1].improvements_file is not None
    assert results[0].improvements_file.sha256 == results[1].improvements_file.sha256


def test_hostile_text_is_inert_in_every_file(workplace: Workplace) -> None:
    attack = '</script><script>alert(1)</script><img src=x onerror="x"> {{7*7}} \u2028 \u202e =cmd|calc'
    rows = [{**row, "text": f"{attack} {row['text']}", "label": f"<b>{row['label']}"} for row in intents(300, 5)]
    predictor = KnownPredictor("classification", lambda _: f"{attack}", LABELS)
    workplace.run(workplace.request("classification", **sets(workplace, "classification", rows)), predictor)
    for key, data in workplace.written("evaluations/").items():
        if not key.endswith("manifest.json"):
            assert b"<" not in data
            assert data.isascii()
            json.loads(data)


def test_rows_without_an_answer_are_left_out_and_told(workplace: Workplace) -> None:
    rows = word_problems(120, 6)
    for row in rows[:20]:
        row |= {"answer": None, "completion": "It depends.\nNobody can say."}
    for row in rows[:5]:
        row["completion"] = " "
    select = workplace.rows("select", rows, "generation")
    result = workplace.run(workplace.request("generation", select=select), KnownPredictor("generation", lambda _: ""))
    assert (result.score.samples, result.score.unscored, result.score.value) == (100, 20, 0.0)
    report = report_of(workplace, result)
    assert any("20 select rows" in note for note in report["notes"])
    # A row that cannot be scored is not a prediction that says nothing.
    assert report["roles"]["select"]["unscoredReasons"] == {"no completion": 5, "no final answer in the completion": 15}
    assert report["roles"]["select"]["unanswered"] == 100


def test_few_samples_are_noted(workplace: Workplace) -> None:
    select = workplace.rows("select", intents(40, 1), "classification")
    result = workplace.run(
        workplace.request("classification", select=select), KnownPredictor("classification", weak_on_topic3, LABELS)
    )
    assert any("Only 40 select rows" in note for note in report_of(workplace, result)["notes"])
    assert (result.improvements, result.bad_cases) == ([], 0)


def test_the_manifest_lists_what_was_written_and_holds_the_result(workplace: Workplace) -> None:
    request = workplace.request("classification", **sets(workplace, "classification", intents(300, 1)))
    result = workplace.run(request, KnownPredictor("classification", weak_on_topic3, LABELS))
    key = f"{request.output_prefix}manifest.json"
    found = find_manifest(workplace.store, request.output_prefix)
    assert found is not None
    manifest = read_manifest(workplace.store, found[0])
    assert found[0].key == key
    assert {file.name for file in manifest.files} == {"report.json", "improvements.json", "timing.json"}
    assert manifest.facts["result"] == result.to_json()
    with pytest.raises(AlreadyCommitted):
        workplace.run(request, KnownPredictor("classification", weak_on_topic3, LABELS))


def test_a_job_that_is_told_to_stop_stops_between_batches(workplace: Workplace) -> None:
    select = workplace.rows("select", intents(40, 1), "classification")
    request = workplace.request("classification", select=select)
    context = job_context(workplace.path, request, store=workplace.store)
    predictor = KnownPredictor("classification", weak_on_topic3, LABELS)
    context.recorder.order = lambda: "cancel" if predictor.seen else None
    with pytest.raises(JobInterrupted):
        run(context, request, lambda _, __: predictor)
    assert workplace.written(request.output_prefix) == {}


def test_an_unknown_metric_is_refused_with_the_known_ones(workplace: Workplace) -> None:
    select = workplace.rows("select", intents(40, 1), "classification")
    predictor = KnownPredictor("classification", weak_on_topic3, LABELS)
    with pytest.raises(MetricUnknown, match=r"bleu.*accuracy, macro_f1"):
        workplace.run(workplace.request("classification", select=select, metric="bleu"), predictor)


def test_a_model_for_the_other_task_is_refused(workplace: Workplace) -> None:
    select = workplace.rows("select", intents(40, 1), "classification")
    with pytest.raises(ModelTaskMismatch):
        workplace.run(workplace.request("classification", select=select), KnownPredictor("generation", str))


@pytest.mark.parametrize("purpose", ["iteration", "final"])
def test_missing_or_empty_rows_are_told_by_role(workplace: Workplace, purpose: str) -> None:
    predictor = KnownPredictor("classification", weak_on_topic3, LABELS)
    role = "test" if purpose == "final" else "select"
    with pytest.raises(DatasetEmpty, match=role):
        workplace.run(workplace.request("classification", purpose=purpose), predictor)
    empty = workplace.rows("empty", [], "classification")
    with pytest.raises(DatasetEmpty, match=role):
        workplace.run(workplace.request("classification", purpose=purpose, **{role: empty}), predictor)


def test_rows_of_the_wrong_kind_are_refused(workplace: Workplace) -> None:
    predictor = KnownPredictor("classification", weak_on_topic3, LABELS)
    other = workplace.rows("other", word_problems(40, 1), "generation")
    with pytest.raises(DatasetUnreadable, match="not classification rows"):
        workplace.run(workplace.request("classification", select=other), predictor)
    broken = workplace.store.put("rows/broken.parquet", b"PAR1 not really")
    with pytest.raises(DatasetUnreadable, match="cannot be read"):
        workplace.run(workplace.request("classification", select={**broken.to_json(), "rows": 3}), predictor)


def test_rows_of_which_none_can_be_scored_are_refused_with_advice(workplace: Workplace) -> None:
    rows = [{**row, "answer": None, "completion": "It depends.\nNobody can say."} for row in word_problems(40, 6)]
    select = workplace.rows("select", rows, "generation")
    with pytest.raises(DatasetTooSmall, match="####"):
        workplace.run(workplace.request("generation", select=select), KnownPredictor("generation", str))


def test_the_service_does_not_import_torch_before_a_job_needs_it() -> None:
    code = "import sys, evaluator.job; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": os.pathsep.join(sys.path)})
