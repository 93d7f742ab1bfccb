"""Tests for "more errors here than elsewhere", and the correction for testing many slices at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]


def enrichment_p(errors_inside: npt.ArrayLike, rows_inside: npt.ArrayLike, errors: int, rows: int) -> Floats:
    """One-sided exact p-value that a slice has so many errors by chance alone (hypergeometric; Fisher's exact test).

    ``errors_inside`` and ``rows_inside`` may be arrays; ``errors`` and ``rows`` are the totals, slice included.
    """
    return np.asarray(
        stats.hypergeom.sf(np.asarray(errors_inside) - 1, rows, errors, np.asarray(rows_inside)), dtype=float
    )


def q_values(p_values: npt.ArrayLike) -> Floats:
    """False discovery rates after Benjamini and Hochberg (1995), in the order given; as ``scipy``'s ``false_discovery_control``."""
    p = np.asarray(p_values, dtype=float)
    return np.asarray(stats.false_discovery_control(p), dtype=float) if p.size else p
