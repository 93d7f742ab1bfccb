"""Suggestions: which kind for which slice, with which examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evaluator.improvements import Suggestion, suggest
from evaluator.slices import Finding
from evaluator.tests.workplace import intents, word_problems
from wlops_common.contracts import TaskType
from wlops_ml.features import Predicate


def finding(feature: str, value: str, rows: list[int], *, gain: float = 0.1) -> Finding:
    positions = np.array(rows, dtype=np.intp)
    return Finding(Predicate(feature, value), positions, len(rows), 1.0, 2.0, 0.001, gain)


def suggestions(findings: list[Finding], rows: list[dict[str, Any]], task_type: TaskType) -> list[Suggestion]:
    named = [{**row, "id": f"{number:04d}"} for number, row in enumerate(rows)]
    return suggest(findings, named, [True] * len(rows), ["topic1"] * len(rows), task_type)


def test_a_slice_with_verified_steps_can_be_generated_and_one_without_must_be_collected() -> None:
    solved = word_problems(20, 1)
    told = [{**row, "completion": f"It is clear.\n#### {row['answer']}"} for row in solved]
    wrong_steps = [{**row, "completion": "5/2=<<5/2=3>>3\n#### 3"} for row in solved]
    for rows, kind in ((solved, "generate"), (told, "collect"), (wrong_steps, "collect")):
        found = suggestions([finding("operation", "÷", list(range(20)))], rows, "generation")
        assert [one.improvement.kind for one in found] == [kind, "select"]


@pytest.mark.parametrize(
    ("feature", "value", "kinds"),
    [
        ("label", "topic1", {"select", "augment", "replay", "fix"}),
        ("cluster", "card, lost", {"select", "augment"}),
        ("confused", "topic2 → topic1", {"fix", "select"}),
    ],
)
def test_each_kind_of_class_slice_has_its_remedies(feature: str, value: str, kinds: set[str]) -> None:
    found = suggestions([finding(feature, value, list(range(20)))], intents(20, 1), "classification")
    assert {one.improvement.kind for one in found} == kinds


def test_the_most_rewarding_suggestion_comes_first_and_the_list_ends() -> None:
    findings = [finding("label", f"topic{number}", [number], gain=number / 100) for number in range(20)]
    found = suggestions(findings, intents(20, 1), "classification")
    bounds = [one.improvement.gain_bound for one in found]
    assert bounds == sorted(bounds, reverse=True)
    assert len(found) == 18
    assert found[0].improvement.slice == "label = topic19"


def test_the_id_depends_on_what_is_suggested_alone() -> None:
    first = suggestions([finding("label", "topic1", [1, 9], gain=0.2)], intents(20, 1), "classification")
    later = suggestions([finding("label", "topic1", [3], gain=0.01)], intents(9, 2), "classification")
    assert [one.improvement.id for one in first] == [one.improvement.id for one in later]
    assert len({one.improvement.id for one in first}) == 4


def test_examples_are_errors_of_the_slice_those_that_serve_first() -> None:
    rows = word_problems(60, 1)
    for row in rows[:30]:
        row["completion"] = f"#### {row['answer']}"
    one, _ = suggestions([finding("steps", "1", list(range(60)))], rows, "generation")
    assert len(one.examples) == 40
    assert all("<<" in row["completion"] for row in one.examples[:30])
    assert not any("<<" in row["completion"] for row in one.examples[30:])
    pair = finding("confused", "topic2 → topic1", [0, 1, 2, 4, 10])
    fix = suggestions([pair], intents(20, 1), "classification")[0]
    assert [row["label"] for row in fix.examples] == ["topic2", "topic2", "topic0", "topic1", "topic4"]


def test_a_model_without_errors_is_told_so_once() -> None:
    rows = [{**row, "id": f"{number}"} for number, row in enumerate(intents(20, 1))]
    for wrong in ([False] * 20, []):
        (one,) = suggest([], rows[: len(wrong)], wrong, ["x"] * len(wrong), "classification")
        assert (one.improvement.kind, one.improvement.gain_bound, one.predicate, one.examples) == ("none", 0, None, [])


@pytest.mark.parametrize(
    ("task_type", "told", "kinds"),
    [
        ("classification", False, ["select", "augment", "fix"]),
        ("generation", False, ["generate", "select"]),
        ("generation", True, ["collect", "select"]),
    ],
)
def test_errors_without_a_slice_are_acted_on_in_all_rows(task_type: TaskType, told: bool, kinds: list[str]) -> None:
    rows = intents(40, 1) if task_type == "classification" else word_problems(40, 1)
    if told:
        rows = [{**row, "completion": f"It is clear.\n#### {row['answer']}"} for row in rows]
    named = [{**row, "id": f"{number:04d}"} for number, row in enumerate(rows)]
    found = suggest([], named, [number % 4 == 0 for number in range(40)], ["x"] * 40, task_type)
    assert [one.improvement.kind for one in found] == kinds
    for one in found:
        assert (one.predicate, one.improvement.slice, one.improvement.support) == (None, "all rows", 40)
        assert (one.improvement.gain_bound, one.improvement.error_rate, one.improvement.lift) == (0.25, 0.25, 1.0)
        assert [row["id"] for row in one.examples] == [f"{number:04d}" for number in range(0, 40, 4)]


def test_another_format_is_suggested_where_answers_verify_and_no_row_is_told_as_an_equation() -> None:
    rows = word_problems(40, 1)
    for row in rows[:30]:
        row["completion"] = f"It is clear.\n#### {row['answer']}"
    some = [finding("operation", "÷", list(range(20)))]
    assert "format" not in [one.improvement.kind for one in suggestions(some, rows, "generation")]
    for row in rows:
        row["target"] = None
    (one,) = [one for one in suggestions(some, rows, "generation") if one.improvement.kind == "format"]
    assert (one.predicate, one.improvement.slice) == (None, "all rows")
    assert "<<" in one.examples[0]["completion"]
