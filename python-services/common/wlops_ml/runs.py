"""Equal values of a column brought together by sorting: what a dictionary does, in a few bytes per row.

Not covered: which value is which; callers compare hashes and read what they need at ``first``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

#: Row numbers: of 32 bits, since columns of ten million rows are many of them.
Integers: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Runs:
    """Rows with equal values, in runs. ``order`` holds row numbers, run after run, ascending within a run; shape ``(rows,)``.

    ``starts`` is where in ``order`` each run begins, shape ``(runs,)``.
    """

    order: Integers
    starts: Integers

    @classmethod
    def of(cls, values: npt.NDArray[Any]) -> Runs:
        """The runs of equal values, in ascending order of the value."""
        order = np.argsort(values, kind="stable").astype(np.int32)
        ordered = values[order]
        begins = np.ones(len(ordered), dtype=bool)
        np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
        return cls(order, np.flatnonzero(begins).astype(np.int32))

    @cached_property
    def sizes(self) -> Integers:
        """Rows in each run, shape ``(runs,)``."""
        return np.diff(self.starts, append=np.int32(len(self.order)))

    @property
    def first(self) -> Integers:
        """The first row of each run, shape ``(runs,)``."""
        return self.order[self.starts]

    def spread(self, per_run: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """For each row what its run has, shape ``(rows,)``."""
        result = np.empty(len(self.order), dtype=per_run.dtype)
        result[self.order] = np.repeat(per_run, self.sizes)
        return result

    def places(self) -> Integers:
        """For each row how many rows of its run come before it, shape ``(rows,)``."""
        result = np.empty(len(self.order), dtype=np.int32)
        result[self.order] = np.arange(len(self.order), dtype=np.int32) - np.repeat(self.starts, self.sizes)
        return result

    def least(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The lowest of the rows' values in each run, shape ``(runs,)``."""
        return np.minimum.reduceat(values[self.order], self.starts) if len(self.starts) else values[:0]
