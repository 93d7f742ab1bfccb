"""Rows joined by pairs, directly or over others: disjoint sets of row numbers."""

from __future__ import annotations

import array
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

#: Pairs of row numbers, shape ``(pairs, 2)``.
Pairs: TypeAlias = npt.NDArray[np.int64]
Rows: TypeAlias = npt.NDArray[np.signedinteger[Any]]


def connected_groups(count: int, pairs: Pairs) -> Rows:
    """For each of ``count`` rows the lowest row number it is joined with by pairs, directly or over others."""
    groups = Groups(count)
    for i, j in pairs.tolist():
        groups.join(i, j)
    return groups.labels()


class Groups:
    """Disjoint sets of row numbers, each named by its lowest."""

    def __init__(self, count: int) -> None:
        self._parent = array.array("q", range(count))

    def root(self, row: int) -> int:
        """The lowest row of the set that this one is in."""
        parent = self._parent
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    def join(self, first: int, second: int) -> None:
        """Make one set of those that two rows are in."""
        low, high = sorted((self.root(first), self.root(second)))
        self._parent[high] = low

    def labels(self) -> Rows:
        """For each row the lowest one of its set."""
        labels: Rows = np.array(self._parent, dtype=np.int64)
        while (labels[labels] != labels).any():
            labels = labels[labels]
        return labels
