"""Typed suggestions from the slices of ``mine``: what to do, where, and the most it can bring.

A rule per task type picks the kinds; the optimizer tries them and decides. Not here: carrying a suggestion out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from evaluator.slices import Finding
from wlops_common.contracts import Improvement, ImprovementKind, TaskType
from wlops_ml.features import CONFUSED, Predicate
from wlops_ml.maths import equation_target

MAX_IMPROVEMENTS = 12
MAX_EXAMPLES = 40
#: Rows of a slice whose worked steps hold, from which new rows can be computed.
MIN_VERIFIED_ROWS, MIN_VERIFIED_SHARE = 3, 0.1
ALL_ROWS = "all rows"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Suggestion:
    """An improvement with the predicate of its slice (None: all rows) and examples from ``mine``."""

    improvement: Improvement
    predicate: Predicate | None
    examples: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """The entry of ``improvements.json``."""
        predicate = None if self.predicate is None else self.predicate.to_json()
        return {**self.improvement.to_json(), "predicate": predicate, "examples": self.examples}


def suggest(
    findings: Sequence[Finding],
    rows: Sequence[Row],
    wrong: Sequence[bool],
    predictions: Sequence[str],
    task_type: TaskType,
) -> list[Suggestion]:
    """Suggestions for the slices found on ``rows``, most rewarding first; a single ``none`` when there is nothing to act on.

    ``wrong`` and ``predictions`` belong to ``rows``. Ids depend on kind and slice alone, so the same suggestion has the same id in
    every iteration.
    """
    suggestions = [
        Suggestion(_improvement(kind, finding), finding.predicate, _examples(finding, kind, rows, wrong, predictions))
        for finding in findings
        for kind in _kinds(finding, rows, task_type)
    ]
    if not suggestions:
        return [_nothing(wrong)]
    return sorted(suggestions, key=lambda one: -one.improvement.gain_bound)[:MAX_IMPROVEMENTS]


def _kinds(finding: Finding, rows: Sequence[Row], task_type: TaskType) -> tuple[ImprovementKind, ...]:
    if task_type == "classification":
        return ("fix", "select") if finding.predicate.feature == CONFUSED else ("select", "augment")
    verified = sum(_verified(rows[position]) for position in finding.rows)
    enough = verified >= max(MIN_VERIFIED_ROWS, MIN_VERIFIED_SHARE * finding.support)
    return ("generate",) if enough else ("collect",)


def _improvement(kind: ImprovementKind, finding: Finding) -> Improvement:
    return Improvement(
        id=improvement_id(kind, finding.predicate.name),
        kind=kind,
        slice=finding.predicate.name,
        support=finding.support,
        error_rate=finding.error_rate,
        lift=finding.lift,
        gain_bound=max(0.0, finding.gain_bound),
    )


def improvement_id(kind: ImprovementKind, slice_name: str) -> str:
    """The id of a suggestion: a function of what it suggests."""
    return "imp_" + sha256(f"{kind} {slice_name}".encode()).hexdigest()[:12]


def _examples(
    finding: Finding, kind: ImprovementKind, rows: Sequence[Row], wrong: Sequence[bool], predictions: Sequence[str]
) -> list[dict[str, Any]]:
    """The slice's errors, those that serve the kind first, then by id."""
    failed = [int(position) for position in finding.rows if wrong[position]]

    def order(position: int) -> tuple[bool, str]:
        row = rows[position]
        if kind == "generate":
            return not _verified(row), str(row["id"])
        mutual = f"{row.get('label')} → {predictions[position]}", f"{predictions[position]} → {row.get('label')}"
        return finding.predicate.feature == CONFUSED and finding.predicate.value not in mutual, str(row["id"])

    chosen = sorted(failed, key=order)[:MAX_EXAMPLES]
    return [{**rows[position], "prediction": predictions[position]} for position in chosen]


def _verified(row: Row) -> bool:
    return equation_target(str(row.get("completion") or "")) is not None


def _nothing(wrong: Sequence[bool]) -> Suggestion:
    rate = sum(wrong) / len(wrong) if len(wrong) else 0.0
    improvement = Improvement(
        id=improvement_id("none", ALL_ROWS),
        kind="none",
        slice=ALL_ROWS,
        support=len(wrong),
        error_rate=rate,
        lift=1.0,
        gain_bound=0.0,
    )
    return Suggestion(improvement, None, [])
