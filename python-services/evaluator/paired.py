"""Two models on the same rows: how much better one is, and whether that can be chance.

Rows of one near-duplicate group are not independent; intervals and tests on parts of the rows take that into account.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

from evaluator.confusion import Confusion
from evaluator.intervals import Z_95, bootstrap_cells, group_codes, mean_interval
from wlops_ml.models.base import WORST_LOSS

Booleans = npt.NDArray[np.bool_]


def mcnemar_p(gained: int, lost: int) -> float:
    """McNemar's exact test, two-sided (Q. McNemar, 1947): the chance of a split of the rows one model alone got right at least this uneven.

    As ``statsmodels``' ``mcnemar(exact=True)``; 1 where no row was gained or lost.
    """
    if gained + lost == 0:
        return 1.0
    return float(min(1.0, 2 * stats.binom.cdf(min(gained, lost), gained + lost, 0.5)))


def worse_p(before: Booleans, after: Booleans, groups: npt.NDArray[np.int64]) -> float:
    """One-sided exact p-value that more groups lost than gained by chance alone: McNemar's test with each group counted once.

    All have shape ``(rows,)``; a group counts as lost when more of its rows were lost than gained. A group of one row is that row.
    """
    changes = after.astype(np.int64) - before
    changed = np.flatnonzero(changes)
    net = np.bincount(np.unique(groups[changed], return_inverse=True)[1], weights=changes[changed])
    gained, lost = int((net > 0).sum()), int((net < 0).sum())
    return float(stats.binom.sf(lost - 1, gained + lost, 0.5)) if gained + lost else 1.0


def share_difference(before: Booleans, after: Booleans, groups: Sequence[str]) -> tuple[float, float, float]:
    """The mean difference of two shares on the same rows with its 95 % interval, as ``(value, low, high)``, each in -1…1.

    The standard error is that of paired differences, clustered by group (Miller, "Adding Error Bars to Evals", 2024), computed with half
    a row more in each of the four cells (Agresti and Min, 2005): without it, two models that differ in no row would have no uncertainty.
    """
    changes = after.astype(np.float64) - before
    rows, value = len(changes), float(changes.mean())
    codes = group_codes(groups)
    group_count = int(codes.max()) + 1
    squares = float(np.square(changes - value).sum())
    if squares == 0:
        effect = rows / group_count
    else:
        residuals = np.bincount(codes, weights=changes - value)
        correction = group_count / max(1, group_count - 1) if group_count < rows else 1.0
        effect = max(1.0, correction * float(np.square(residuals).sum()) / squares)
    gained, lost, size = (changes > 0).sum() / effect, (changes < 0).sum() / effect, rows / effect + 2
    centre = (gained - lost) / size
    half = Z_95 * math.sqrt(max(0.0, gained + lost + 1 - (gained - lost) ** 2 / size)) / size
    return value, max(-1.0, min(centre - half, value)), min(1.0, max(centre + half, value))


def loss_difference(
    before: npt.NDArray[np.float64], after: npt.NDArray[np.float64], groups: Sequence[str]
) -> tuple[float, float, float]:
    """The mean difference of two losses on the same rows with its 95 % interval, as ``(value, low, high)``, in nats; less is better.

    What is hard for both cancels out row by row; the interval is that of a mean (``mean_interval``) of the differences.
    """
    changes = after - before
    return float(changes.mean()), *mean_interval(changes, groups, -WORST_LOSS, WORST_LOSS)


def macro_f1_difference(
    references: Sequence[str], before: Sequence[str], after: Sequence[str], groups: Sequence[str], seed: int
) -> tuple[float, float, float]:
    """The difference of macro-F1 on the same rows with its 95 % interval by the paired cluster bootstrap, as ``(value, low, high)``.

    A resample draws groups of rows and scores both models on them, so what is hard for both cancels out. Same seed, same interval.
    """
    old, new = Confusion.of(references, before), Confusion.of(references, after)
    joint, cells = np.unique(old.cell_of_row * len(new.counts) + new.cell_of_row, return_inverse=True)
    each, ones = np.arange(len(joint)), np.ones(len(joint))
    to_old = sparse.csr_matrix((ones, (each, joint // len(new.counts))), shape=(len(joint), len(old.counts)))
    to_new = sparse.csr_matrix((ones, (each, joint % len(new.counts))), shape=(len(joint), len(new.counts)))

    def difference(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return new.macro_f1_of(np.asarray(counts @ to_new)) - old.macro_f1_of(np.asarray(counts @ to_old))

    value = new.macro_f1() - old.macro_f1()
    low, high = bootstrap_cells(cells.astype(np.int64), groups, difference, seed)
    return value, min(low, value), max(high, value)
