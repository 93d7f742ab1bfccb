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
    Bars to Evals", 2024).
    """
    difference = after - before
    value = float(difference.mean())
    _, codes = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    sums = np.bincount(codes, weights=difference - value)
    count = len(sums)
    correction = count / (count - 1) if count > 1 else 1.0
    error = math.sqrt(correction * float(np.square(sums).sum())) / len(difference)
    interval = Uplift(value=round(value, 6), low=round(value - _Z_95 * error, 6), high=round(value + _Z_95 * error, 6))
    return interval, error
