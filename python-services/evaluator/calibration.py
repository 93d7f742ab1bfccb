"""Whether the model's confidence can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 15


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy in equal-width bins.

    ``expected_error`` is the expected calibration error (Guo et al., "On Calibration of Modern Neural Networks", 2017): the mean
    over rows of the gap between a bin's accuracy and its mean confidence.
    """

    expected_error: float
    bins: list[dict[str, Any]]


def calibration(confidences: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> Calibration | None:
    """Calibration over the rows that have a confidence; both arrays have shape ``(rows,)``. None when no row has one."""
    known = ~np.isnan(confidences)
    if not known.any():
        return None
    confidence, hit = confidences[known], right[known]
    # Bins are open below and closed above, as in the paper; a confidence of 0 joins the first.
    position = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    rows = np.bincount(position, minlength=BINS)
    hits = np.bincount(position, weights=hit, minlength=BINS)
    total = np.bincount(position, weights=confidence, minlength=BINS)
    filled = [index for index in range(BINS) if rows[index]]
    bins = [
        {
            "from": index / BINS,
            "to": (index + 1) / BINS,
            "rows": int(rows[index]),
            "confidence": float(total[index] / rows[index]),
            "accuracy": float(hits[index] / rows[index]),
        }
        for index in filled
    ]
    return Calibration(float(np.abs(hits - total).sum() / rows.sum()), bins)
