"""How much better one set of answers is than another on the same rows, with an interval."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from wlops_common.contracts import Uplift

_Z_95 = 1.959963984540054


def paired_uplift(
    before: npt.NDArray[np.float64], after: npt.NDArray[np.float64], groups: list[str]
) -> tuple[Uplift, float]:
    """The mean of ``after - before`` with its 95 % interval, and its standard error; both arrays have shape ``(rows,)``.

    Rows of one near-duplicate group are not independent, so the error is that of group sums (cluster-robust, as in Miller, "Adding Error
    Bars to Evals", 2024). Of one group, or of no row, nothing is known: the interval is all that a difference can be, and the error 1.
    """
    difference = after - before
    _, codes = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    count = len(np.unique(codes))
    if count < 2:
        return Uplift(value=round(float(difference.mean()), 6) if count else 0.0, low=-1.0, high=1.0), 1.0
    value = float(difference.mean())
    sums = np.bincount(codes, weights=difference - value)
    error = math.sqrt(count / (count - 1) * float(np.square(sums).sum())) / len(difference)
    interval = Uplift(value=round(value, 6), low=round(value - _Z_95 * error, 6), high=round(value + _Z_95 * error, 6))
    return interval, error
