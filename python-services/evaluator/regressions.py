"""Guarded parts of the ``select`` rows on which a challenger does significantly worse than the champion.

Parts are all values of the automatic features and the pairs of classes that the two models mix up. The pairs are found in the errors of
both together: those of the challenger alone would be chosen for its bad luck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator.confused_pairs import confused_pairs
from evaluator.feature_table import feature_members
from evaluator.paired import worse_p
from evaluator.significance import q_values
from wlops_common.contracts import Regression, TaskType
from wlops_ml.features import CONFUSED, Predicate

#: Smaller parts move by chance alone; smaller falls are not worth refusing a model for.
MIN_SUPPORT, MIN_FALL, MAX_Q = 50, 0.03, 0.1
MAX_REGRESSIONS = 20

Booleans = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


def find_regressions(
    rows: Sequence[Mapping[str, Any]],
    before: Booleans,
    after: Booleans,
    predictions: Sequence[Sequence[str]],
    groups: Integers,
    task_type: TaskType,
) -> list[Regression]:
    """The parts that fell by more than ``MIN_FALL``, the surest first, at most ``MAX_REGRESSIONS``.

    Args:
        rows: Rows that both models were scored on.
        before: Shape ``(rows,)``: which of them the champion got right.
        after: The same of the challenger.
        predictions: Of classifiers, what each of the two predicted per row; a name unknown to the rows is no class of theirs.
        groups: Shape ``(rows,)``: a number per near-duplicate group.
        task_type: Decides the features.
    """
    members = dict(feature_members(rows, task_type))
    if task_type == "classification":
        members |= _confused(rows, predictions)
    guarded = sorted((one, found) for one, found in members.items() if len(found) >= MIN_SUPPORT)
    p_values = [worse_p(before[found], after[found], groups[found]) for _, found in guarded]
    fallen = [
        Regression(
            name=predicate.name,
            support=len(found),
            before=float(1 - before[found].mean()),
            after=float(1 - after[found].mean()),
            q_value=float(q),
        )
        for (predicate, found), q in zip(guarded, q_values(p_values), strict=True)
        if q < MAX_Q and before[found].mean() - after[found].mean() > MIN_FALL
    ]
    return sorted(fallen, key=lambda one: (one.q_value, one.before - one.after, one.name))[:MAX_REGRESSIONS]


def _confused(
    rows: Sequence[Mapping[str, Any]], predictions: Sequence[Sequence[str]]
) -> dict[Predicate, npt.NDArray[np.intp]]:
    labels = [str(row["label"]) for row in rows]
    pooled = confused_pairs(labels * len(predictions), [label for each in predictions for label in each])
    of_row = np.array(labels, dtype=object)
    return {
        Predicate(CONFUSED, f"{a} → {b}"): np.flatnonzero((of_row == a) | (of_row == b))
        for a, b in pooled
        if a in set(labels) or b in set(labels)
    }
