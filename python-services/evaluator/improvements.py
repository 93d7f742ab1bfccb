"""Typed suggestions from the slices of ``mine``: what to do, where, and the most it can bring, in error rate whatever the metric.

A rule per task type picks the kinds; the optimizer does those it has the means for (``select`` needs a pool, ``fix`` doubted labels). Where
the model errs and no slice stands out, the suggestions are for all rows. Not here: carrying a suggestion out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from evaluator.slices import Finding
from wlops_common.contracts import ALL_ROWS, Improvement, ImprovementKind, TaskType
from wlops_ml.features import CONFUSED, Predicate
from wlops_ml.maths import equation_target

MAX_IMPROVEMENTS = 18
MAX_EXAMPLES = 40
#: Rows of a slice whose worked steps hold, from which new rows can be computed.
MIN_VERIFIED_ROWS, MIN_VERIFIED_SHARE = 3, 0.1

Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Part:
    """The rows a suggestion is about: a slice, or all of them where ``predicate`` is None."""

    predicate: Predicate | None
    rows: Sequence[int]
    error_rate: float
    lift: float
    gain_bound: float

    @property
    def name(self) -> str:
        return ALL_ROWS if self.predicate is None else self.predicate.name

    @property
    def feature(self) -> str | None:
        return None if self.predicate is None else self.predicate.feature


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
    """Suggestions for the slices found on ``rows``, most rewarding first; a single ``none`` when no row is wrong.

    Without slices they are for all rows, and the most they can bring is the error rate. ``wrong`` and ``predictions`` belong to ``rows``.
    Ids depend on kind and slice alone, so the same suggestion has the same id in every iteration.
    """
    everything = _everything(wrong)
    if everything.error_rate == 0:
        return [Suggestion(_improvement("none", everything), None, [])]
    parts = [_part_of(finding) for finding in findings] or [everything]
    wanted = [(part, kind) for part in parts for kind in _kinds(part, rows, task_type)]
    if task_type == "generation" and _untold_targets(rows):
        wanted.append((everything, "format"))
    suggestions = [
        Suggestion(_improvement(kind, part), part.predicate, _examples(part, kind, rows, wrong, predictions))
        for part, kind in wanted
    ]
    return sorted(suggestions, key=lambda one: -one.improvement.gain_bound)[:MAX_IMPROVEMENTS]


def _part_of(finding: Finding) -> _Part:
    bound = max(0.0, finding.gain_bound)
    return _Part(finding.predicate, finding.rows.tolist(), finding.error_rate, finding.lift, bound)


def _everything(wrong: Sequence[bool]) -> _Part:
    rate = sum(wrong) / len(wrong) if len(wrong) else 0.0
    return _Part(None, range(len(wrong)), rate, 1.0, rate)


def _kinds(part: _Part, rows: Sequence[Row], task_type: TaskType) -> tuple[ImprovementKind, ...]:
    if task_type == "classification":
        if part.feature == CONFUSED:
            return ("fix", "select")
        # Doubts are about labels, so they can be laid only to a label or to all of them.
        if part.feature == "label":
            return ("select", "augment", "replay", "fix")
        return ("select", "augment", "fix") if part.feature is None else ("select", "augment")
    return ("generate" if _enough_verified([rows[position] for position in part.rows]) else "collect", "select")


def _untold_targets(rows: Sequence[Row]) -> bool:
    """Whether answers could be told as equations, which a small model learns best, but no row is: what ``format`` changes."""
    return _enough_verified(rows) and not any(row.get("target") for row in rows)


def _enough_verified(rows: Sequence[Row]) -> bool:
    return sum(_verified(row) for row in rows) >= max(MIN_VERIFIED_ROWS, MIN_VERIFIED_SHARE * len(rows))


def _improvement(kind: ImprovementKind, part: _Part) -> Improvement:
    return Improvement(
        id=improvement_id(kind, part.name),
        kind=kind,
        slice=part.name,
        support=len(part.rows),
        error_rate=part.error_rate,
        lift=part.lift,
        gain_bound=part.gain_bound,
    )


def improvement_id(kind: ImprovementKind, slice_name: str) -> str:
    """The id of a suggestion: a function of what it suggests."""
    return "imp_" + sha256(f"{kind} {slice_name}".encode()).hexdigest()[:12]


def _examples(
    part: _Part, kind: ImprovementKind, rows: Sequence[Row], wrong: Sequence[bool], predictions: Sequence[str]
) -> list[dict[str, Any]]:
    """The part's errors, those that serve the kind first, then by id."""
    failed = [position for position in part.rows if wrong[position]]

    def order(position: int) -> tuple[bool, str]:
        row = rows[position]
        if kind in ("generate", "format"):
            return not _verified(row), str(row["id"])
        mutual = f"{row.get('label')} → {predictions[position]}", f"{predictions[position]} → {row.get('label')}"
        return part.feature == CONFUSED and part.predicate is not None and part.predicate.value not in mutual, str(
            row["id"]
        )

    chosen = sorted(failed, key=order)[:MAX_EXAMPLES]
    return [{**rows[position], "prediction": predictions[position]} for position in chosen]


def _verified(row: Row) -> bool:
    return equation_target(str(row.get("completion") or "")) is not None
