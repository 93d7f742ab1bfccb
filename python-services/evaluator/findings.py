"""Everything that is learned from the ``mine`` rows: slices, suggestions, bad cases. No other role ever comes here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator.bad_cases import bad_cases
from evaluator.feature_table import feature_members, feature_table, observed_members
from evaluator.improvements import Suggestion, suggest
from evaluator.outcomes import Outcomes
from evaluator.slices import Finding, find_slices
from wlops_common.contracts import ALL_ROWS, ErrorRate, TaskType
from wlops_ml.features import CLUSTER, CONFUSED, matches, predicates
from wlops_ml.rows import output_column

#: Training rows in which the share of a slice is counted.
SHARE_ROWS = 5_000

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Findings:
    """Slices with their share of the training rows, suggestions, bad cases and the error rates of feature values and of all rows.

    ``features`` tell of parts by the model's confidence too, ``error_rates`` only of parts that have the same rows for every model.

    All empty where nothing was looked at.
    """

    slices: list[Finding]
    train_shares: list[float | None]
    suggestions: list[Suggestion]
    bad_cases: list[dict[str, Any]]
    bad_case_count: int
    features: list[dict[str, Any]]
    error_rates: list[ErrorRate]

    def slices_to_json(self) -> list[dict[str, Any]]:
        """The slices for the report, with gain bound and how common such rows are in training."""
        return [
            {**found.to_slice().to_json(), "gainBound": found.gain_bound, "trainShare": share}
            for found, share in zip(self.slices, self.train_shares, strict=True)
        ]


NO_FINDINGS = Findings([], [], [], [], 0, [], [])


def learn(
    mine: Sequence[Row], outcomes: Outcomes, train: Sequence[Row], metric: str, task_type: TaskType, seed: int
) -> Findings:
    """Find slices and bad cases among the rows of ``mine`` that count for the metric; ``outcomes`` belong to ``mine``, in its order.

    All of it is by right and wrong, whatever the metric: error rates, lifts and gain bounds are shares of rows. ``train`` is a sample of
    the training rows, for nearest neighbours and shares; it may be empty.
    """
    scored = np.flatnonzero(outcomes.counted(metric)).tolist()
    rows = [mine[position] for position in scored]
    predictions = [outcomes.predictions[position] for position in scored]
    # Of free text no answer is right as a whole but the wanted one itself.
    told = ~outcomes.scored[scored] & _verbatim(rows, predictions, task_type)
    wrong = ~(outcomes.right[scored] | told)
    members = feature_members(rows, task_type)
    found = find_slices(rows, members, wrong, predictions, task_type, seed)
    flags = wrong.tolist()
    confidences, losses = outcomes.confidences[scored].tolist(), outcomes.log_losses[scored].tolist()
    observed = observed_members(rows, outcomes.confidences[scored], train, task_type)
    return Findings(
        slices=found,
        train_shares=_shares(found, train[:SHARE_ROWS], task_type),
        suggestions=suggest(found, rows, flags, predictions, task_type),
        bad_cases=bad_cases(rows, flags, predictions, confidences, losses, found, train, metric, task_type),
        bad_case_count=int(wrong.sum()),
        features=feature_table(observed | members, wrong),
        error_rates=_error_rates(feature_table(members, wrong), rows, flags),
    )


def _verbatim(rows: Sequence[Row], predictions: Sequence[str], task_type: TaskType) -> npt.NDArray[np.bool_]:
    """Which answers are the wanted text itself, shape ``(rows,)``."""
    wanted = output_column(task_type)
    return np.array(
        [text.split() == str(row[wanted]).split() for row, text in zip(rows, predictions, strict=True)], dtype=bool
    )


def _error_rates(features: Sequence[Row], rows: Sequence[Row], wrong: Sequence[bool]) -> list[ErrorRate]:
    """A slice that was mended stands out no more; by these the next iteration's report tells its uplift.

    ``features`` are of parts that hold the same rows whatever the model: those by its confidence hold others in each iteration, and before
    and after would be rates of different rows.
    """
    if not rows:
        return []
    of_features = [ErrorRate(name=one["name"], support=one["support"], error_rate=one["errorRate"]) for one in features]
    return [ErrorRate(name=ALL_ROWS, support=len(rows), error_rate=sum(wrong) / len(rows)), *of_features]


def _shares(findings: Sequence[Finding], train: Sequence[Row], task_type: TaskType) -> list[float | None]:
    """The share of ``train`` in each slice; None without training rows."""
    if not train or not findings:
        return [None for _ in findings]
    of_row = [set(predicates(row, task_type)) for row in train]  # once per row: worked steps are dear to parse
    shares: list[float | None] = []
    for predicate in (finding.predicate for finding in findings):
        if predicate.feature in (CLUSTER, CONFUSED):
            members = sum(matches(row, predicate, task_type) for row in train)
        else:
            members = sum(predicate in found for found in of_row)
        shares.append(members / len(train))
    return shares
