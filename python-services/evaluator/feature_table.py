"""The error rate of every feature value on ``mine``, significant or not.

A slice that was mended is no longer a finding; this table says how it does now, so that the gain of a remedy can be measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator.intervals import wilson
from wlops_common.contracts import TaskType
from wlops_ml.features import Predicate, predicates

MAX_VALUES = 300
MIN_ROWS = 5


def feature_members(rows: Sequence[Mapping[str, Any]], task_type: TaskType) -> dict[Predicate, npt.NDArray[np.intp]]:
    """The positions of the rows of every predicate over a single feature."""
    members: dict[Predicate, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        for predicate in predicates(row, task_type):
            members[predicate].append(position)
    return {predicate: np.array(found, dtype=np.intp) for predicate, found in members.items()}


def feature_table(
    members: Mapping[Predicate, npt.NDArray[np.intp]], wrong: npt.NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Name, support and error rate with its 95 % Wilson interval of the ``MAX_VALUES`` most frequent values, by name.

    Values with fewer than ``MIN_ROWS`` rows are left out. ``wrong`` has shape ``(rows,)``.
    """
    frequent = sorted(members.items(), key=lambda item: (-len(item[1]), item[0].name))[:MAX_VALUES]
    table = []
    for predicate, found in sorted(frequent, key=lambda item: item[0].name):
        if len(found) >= MIN_ROWS:
            errors = int(wrong[found].sum())
            low, high = wilson(errors, len(found))
            rate = errors / len(found)
            table.append({"name": predicate.name, "support": len(found), "errorRate": rate, "low": low, "high": high})
    return table
