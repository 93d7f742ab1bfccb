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
from wlops_ml.features import Predicate, predicates, words
from wlops_ml.rows import input_column

MAX_VALUES = 300
MIN_ROWS = 5
#: Upper bounds, exclusive. Fixed, so that a bucket means the same in every iteration.
CONFIDENCE_BOUNDS = ((0.5, "below 0.5"), (0.8, "0.5 to 0.8"), (0.95, "0.8 to 0.95"))
UNSEEN_BOUNDS = ((1e-9, "none"), (0.2, "below a fifth"))


def feature_members(rows: Sequence[Mapping[str, Any]], task_type: TaskType) -> dict[Predicate, npt.NDArray[np.intp]]:
    """The positions of the rows of every predicate over a single feature."""
    members: dict[Predicate, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        for predicate in predicates(row, task_type):
            members[predicate].append(position)
    return {predicate: np.array(found, dtype=np.intp) for predicate, found in members.items()}


def observed_members(
    rows: Sequence[Mapping[str, Any]],
    confidences: npt.NDArray[np.float64],
    train: Sequence[Mapping[str, Any]],
    task_type: TaskType,
) -> dict[Predicate, npt.NDArray[np.intp]]:
    """The positions of the rows by the model's confidence and by the share of their words that no training row has.

    They depend on the model and its training rows, so they tell how it does and name no slice: the optimizer could not find their rows.
    ``confidences`` has shape ``(rows,)``, NaN where the model gave none; without ``train`` no word is known to be unseen.
    """
    column = input_column(task_type)
    seen = {word for row in train for word in words(str(row[column]))}
    members: dict[Predicate, list[int]] = defaultdict(list)
    for position, (row, confidence) in enumerate(zip(rows, confidences.tolist(), strict=True)):
        if not np.isnan(confidence):
            members[Predicate("confidence", _bucket(confidence, CONFIDENCE_BOUNDS, "0.95 or more"))].append(position)
        spoken = words(str(row[column]))
        if seen and spoken:
            share = sum(word not in seen for word in spoken) / len(spoken)
            members[Predicate("unseen words", _bucket(share, UNSEEN_BOUNDS, "a fifth or more"))].append(position)
    return {predicate: np.array(found, dtype=np.intp) for predicate, found in members.items()}


def _bucket(value: float, bounds: Sequence[tuple[float, str]], last: str) -> str:
    return next((name for bound, name in bounds if value < bound), last)


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
