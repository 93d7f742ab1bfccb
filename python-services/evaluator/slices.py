"""Slices: parts of the ``mine`` rows, named by a predicate, on which the model errs significantly more than elsewhere.

Candidates are all values of the automatic features, confused pairs of classes and clusters of errors; one false discovery rate is
controlled over all of them. A slice that an earlier, more rewarding one explains is dropped. Not here: what to do about a slice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from evaluator.clusters import error_clusters
from evaluator.confused_pairs import confused_pairs
from evaluator.significance import enrichment_p, q_values
from wlops_common.contracts import Slice, TaskType
from wlops_ml.features import CLUSTER, CONFUSED, Predicate, matches

MIN_LIFT, LIFT_Q = 1.5, 0.1
#: Where errors are frequent everywhere no slice can reach the lift; a large difference counts as well, on stronger evidence.
MIN_DIFFERENCE, DIFFERENCE_Q = 0.15, 0.05
#: Evidence a slice needs on the rows that no earlier slice holds.
REMAINDER_P = 0.01
MIN_SUPPORT, MAX_MIN_SUPPORT, MIN_SUPPORT_SHARE = 10, 30, 0.02
#: Classes are given, not searched for, and many data sets have few rows of each.
MIN_CLASS_SUPPORT = 5
MAX_SLICES = 20

Booleans = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Finding:
    """A slice and its figures; ``rows`` are positions in the rows it was found on.

    ``gain_bound`` is the slice's share times (its error rate - the overall one): the most the error rate can fall if the slice
    becomes as good as the rest. In subgroup discovery this is the weighted relative accuracy (Lavrač et al., 1999).
    """

    predicate: Predicate
    rows: Integers
    errors: int
    error_rate: float
    lift: float
    q_value: float
    gain_bound: float

    @property
    def support(self) -> int:
        """How many rows the slice has."""
        return len(self.rows)

    def to_slice(self) -> Slice:
        """The slice as results show it."""
        return Slice(
            name=self.predicate.name,
            support=self.support,
            error_rate=self.error_rate,
            lift=self.lift,
            q_value=self.q_value,
        )


@dataclass(frozen=True)
class _Candidate:
    predicate: Predicate
    rows: Integers
    p_value: float


def find_slices(
    rows: Sequence[Mapping[str, Any]],
    members: Mapping[Predicate, Integers],
    wrong: Booleans,
    predictions: Sequence[str],
    task_type: TaskType,
    seed: int,
) -> list[Finding]:
    """The significant slices, most rewarding first, at most ``MAX_SLICES``.

    Args:
        rows: Scored rows of ``mine``.
        members: Their feature values (see ``feature_table.feature_members``).
        wrong: Shape ``(rows,)``: which of them the model got wrong.
        predictions: The model's text for each.
        task_type: Decides the features.
        seed: For the clustering; same input and seed, same slices.
    """
    errors, total = int(wrong.sum()), len(rows)
    if errors == 0 or errors == total:
        return []
    candidates = _by_feature(members, wrong)
    candidates += _by_cluster(rows, wrong, task_type, seed)
    pairs = _by_confusion(rows, wrong, predictions) if task_type == "classification" else []
    tested = [*candidates, *pairs]
    corrected = q_values([candidate.p_value for candidate in tested])
    found = [_finding(candidate, wrong, float(q)) for candidate, q in zip(tested, corrected, strict=True)]
    kept = sorted((finding for finding in found if _stands_out(finding, errors / total)), key=_reward)
    # A pair names a remedy that its classes alone do not, so it is not dropped for overlapping with them.
    explained = _distinct([finding for finding in kept if finding.predicate.feature != CONFUSED], wrong)
    mixed_up = [finding for finding in kept if finding.predicate.feature == CONFUSED]
    return sorted([*explained, *mixed_up], key=_reward)[:MAX_SLICES]


def min_support(rows: int, feature: str) -> int:
    """The fewest rows a slice may have."""
    if feature in ("label", CONFUSED):
        return MIN_CLASS_SUPPORT
    return int(np.clip(round(MIN_SUPPORT_SHARE * rows), MIN_SUPPORT, MAX_MIN_SUPPORT))


def _by_feature(members: Mapping[Predicate, Integers], wrong: Booleans) -> list[_Candidate]:
    large = [
        (predicate, found)
        for predicate, found in members.items()
        if min_support(len(wrong), predicate.feature) <= len(found) < len(wrong)
    ]
    if not large:
        return []
    p_values = enrichment_p(
        [int(wrong[found].sum()) for _, found in large],
        [len(found) for _, found in large],
        int(wrong.sum()),
        len(wrong),
    )
    return [_Candidate(predicate, found, float(p)) for (predicate, found), p in zip(large, p_values, strict=True)]


def _by_cluster(rows: Sequence[Mapping[str, Any]], wrong: Booleans, task_type: TaskType, seed: int) -> list[_Candidate]:
    """Clusters are made from the errors of one half of the rows and tested on the other: the same rows cannot prove them."""
    discovery = np.array([crc32(str(row["id"]).encode()) % 2 == 0 for row in rows])
    confirmation = ~discovery
    rows_to_confirm, errors_to_confirm = int(confirmation.sum()), int(wrong[confirmation].sum())
    candidates = []
    seen = [row for row, half in zip(rows, discovery, strict=True) if half]
    for predicate in error_clusters(seen, wrong[discovery], task_type, seed):
        inside = np.array([matches(row, predicate, task_type) for row in rows])
        if inside.sum() < min_support(len(rows), CLUSTER) or not (inside & confirmation).any():
            continue
        hits = int((inside & confirmation & wrong).sum())
        p = enrichment_p(hits, int((inside & confirmation).sum()), errors_to_confirm, rows_to_confirm)
        candidates.append(_Candidate(predicate, np.flatnonzero(inside), float(p)))
    return candidates


def _by_confusion(rows: Sequence[Mapping[str, Any]], wrong: Booleans, predictions: Sequence[str]) -> list[_Candidate]:
    labels = np.array([str(row["label"]) for row in rows], dtype=object)
    candidates = []
    for a, b in confused_pairs(list(labels), predictions):
        inside = np.flatnonzero((labels == a) | (labels == b))
        if len(inside) >= MIN_CLASS_SUPPORT:
            p = enrichment_p(int(wrong[inside].sum()), len(inside), int(wrong.sum()), len(rows))
            candidates.append(_Candidate(Predicate(CONFUSED, f"{a} → {b}"), inside, float(p)))
    return candidates


def _finding(candidate: _Candidate, wrong: Booleans, q_value: float) -> Finding:
    overall = float(wrong.mean())
    errors = int(wrong[candidate.rows].sum())
    rate = errors / len(candidate.rows)
    return Finding(
        candidate.predicate,
        candidate.rows,
        errors,
        rate,
        rate / overall,
        q_value,
        len(candidate.rows) / len(wrong) * (rate - overall),
    )


def _stands_out(finding: Finding, overall: float) -> bool:
    by_lift = finding.lift >= MIN_LIFT and finding.q_value < LIFT_Q
    by_difference = finding.error_rate - overall >= MIN_DIFFERENCE and finding.q_value < DIFFERENCE_Q
    return by_lift or by_difference


def _reward(finding: Finding) -> tuple[float, int, str]:
    # Among equals the plainer predicate wins: a cluster of words says less than a feature.
    return -round(finding.gain_bound, 12), int(finding.predicate.feature == CLUSTER), finding.predicate.name


def _distinct(findings: Sequence[Finding], wrong: Booleans) -> list[Finding]:
    """The findings that still stand on the rows which the ones before them leave over."""
    left = np.ones(len(wrong), dtype=bool)
    kept: list[Finding] = []
    for finding in findings:
        inside = finding.rows[left[finding.rows]]
        if len(inside) < min_support(len(wrong), finding.predicate.feature):
            continue
        p = enrichment_p(int(wrong[inside].sum()), len(inside), int(wrong[left].sum()), int(left.sum()))
        if not kept or float(p) < REMAINDER_P:
            kept.append(finding)
            left[finding.rows] = False
    return kept
