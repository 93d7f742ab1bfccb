"""95 % intervals: Wilson's for shares, Student's for means, the percentile bootstrap for what is computed from a confusion matrix.

Rows of one near-duplicate group are not independent; all kinds take that into account. Not here: comparing two models (``paired``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

Z_95 = 1.959963984540054
RESAMPLES = 1000
_CHUNK_CELLS = 4_000_000

Floats = npt.NDArray[np.float64]


def wilson(successes: float, trials: float, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval of a share (E. B. Wilson, 1927), as ``statsmodels.proportion_confint(method="wilson")``.

    ``trials`` may be an effective sample size and need not be whole. Raises ``ValueError`` when it is not positive.
    """
    if trials <= 0:
        raise ValueError("an interval needs at least one trial")
    share = successes / trials
    denominator = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / denominator
    half = z / denominator * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))


def share_interval(right: npt.NDArray[np.bool_], groups: Sequence[str]) -> tuple[float, float]:
    """The interval of the share of ``right``, with the sample size reduced by the design effect of the groups.

    The design effect is the clustered over the binomial variance, at least 1 (L. Kish, 1965; Miller, "Adding Error Bars to
    Evals", 2024). Where all rows are right, or all wrong, each group counts once.
    """
    rows = len(right)
    share = float(right.mean())
    codes = group_codes(groups)
    group_count = int(codes.max()) + 1
    if group_count == rows:
        return wilson(share * rows, rows)
    if share in (0.0, 1.0):
        return wilson(share * group_count, group_count)
    residuals = np.bincount(codes, weights=right - share)
    correction = group_count / max(1, group_count - 1)
    effect = max(1.0, correction * float(np.square(residuals).sum()) / (rows * share * (1 - share)))
    return wilson(share * rows / effect, rows / effect)


def mean_interval(values: Floats, groups: Sequence[str], least: float, most: float) -> tuple[float, float]:
    """The interval of the mean of ``values``, shape ``(rows,)``, each of them in ``least``…``most``; so is the interval.

    Mean and Student's quantile for as many groups, less one, times the cluster-robust standard error (Liang and Zeger, 1986; Miller,
    "Adding Error Bars to Evals", 2024), or times the plain one where that is larger. A single group says nothing of the mean.
    """
    rows, mean = len(values), float(values.mean())
    codes = group_codes(groups)
    group_count = int(codes.max()) + 1
    if group_count == 1:
        return least, most
    residuals = values - mean
    clustered = group_count / (group_count - 1) * float(np.square(np.bincount(codes, weights=residuals)).sum())
    plain = rows / (rows - 1) * float(np.square(residuals).sum())
    half = float(stats.t.ppf(0.975, group_count - 1)) * math.sqrt(max(clustered, plain)) / rows
    return max(least, mean - half), min(most, mean + half)


def group_codes(groups: Sequence[str]) -> npt.NDArray[np.int64]:
    """A number per group from 0, in the order in which groups first occur; shape ``(rows,)``."""
    codes: dict[str, int] = {}
    return np.array([codes.setdefault(group, len(codes)) for group in groups], dtype=np.int64)


def bootstrap_cells(
    cells: npt.NDArray[np.int64],
    groups: Sequence[str],
    statistic: Callable[[Floats], Floats],
    seed: int,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """Percentile interval of a statistic of cell counts, resampling groups of rows.

    Args:
        cells: Shape ``(rows,)``: which cell (of a confusion matrix, say) each row falls into, from 0.
        groups: The group of each row. Where every row is alone, drawing rows is drawing cells, which costs far less.
        statistic: From counts of shape ``(resamples, cells)`` to values of shape ``(resamples,)``.
        seed: Same seed, same interval.
        resamples: How often to resample.
    """
    units = _units(cells, groups)
    draws, cell_count = int(units[1]), units[0].shape[1]
    random = np.random.default_rng(seed)
    per_chunk = max(1, _CHUNK_CELLS // max(units[0].shape[0], cell_count))
    values = [
        statistic(np.asarray(random.multinomial(draws, units[2], size=min(per_chunk, resamples - start)) @ units[0]))
        for start in range(0, resamples, per_chunk)
    ]
    low, high = np.quantile(np.concatenate(values), [0.025, 0.975])
    return float(low), float(high)


def _units(cells: npt.NDArray[np.int64], groups: Sequence[str]) -> tuple[sparse.csr_matrix, int, Floats]:
    """What is drawn: cell counts of each unit, how many units a resample has, and the probability of each."""
    cell_count = int(cells.max()) + 1
    codes = group_codes(groups)
    group_count = int(codes.max()) + 1
    if group_count == len(cells):
        counts = np.bincount(cells, minlength=cell_count)
        return sparse.eye(cell_count, format="csr"), len(cells), counts / counts.sum()
    table = sparse.csr_matrix((np.ones(len(cells)), (codes, cells)), shape=(group_count, cell_count))
    return table, group_count, np.full(group_count, 1 / group_count)
