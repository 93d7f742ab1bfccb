"""The confusion matrix of a classifier, kept as its non-empty cells, and what is computed from it.

Macro-F1 and the per-class figures are those of scikit-learn with ``zero_division=0``; tests hold the two side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from evaluator.intervals import bootstrap_cells

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Longer lists of confused pairs help nobody.
MAX_PAIRS = 50


@dataclass(frozen=True)
class Confusion:
    """Counts of (wanted, predicted) pairs.

    Attributes:
        labels: All labels that occur on either side, sorted.
        wanted: Shape ``(cells,)``: index of the wanted label of each non-empty cell.
        predicted: Shape ``(cells,)``: index of the predicted label.
        counts: Shape ``(cells,)``: rows in the cell.
        cell_of_row: Shape ``(rows,)``: the cell each row falls into.
    """

    labels: tuple[str, ...]
    wanted: Integers
    predicted: Integers
    counts: Integers
    cell_of_row: Integers

    @classmethod
    def of(cls, references: Sequence[str], predictions: Sequence[str]) -> Confusion:
        """Count the pairs; both sequences have one label per row."""
        labels = tuple(sorted({*references, *predictions}))
        index = {label: position for position, label in enumerate(labels)}
        flat = np.array(
            [index[a] * len(labels) + index[b] for a, b in zip(references, predictions, strict=True)], dtype=np.int64
        )
        cells, cell_of_row, counts = np.unique(flat, return_inverse=True, return_counts=True)
        width = max(1, len(labels))
        return cls(labels, cells // width, cells % width, counts.astype(np.int64), cell_of_row.astype(np.int64))

    def macro_f1(self) -> float:
        """The unweighted mean of F1 over all labels that occur."""
        return float(self.macro_f1_of(self.counts[None, :].astype(np.float64))[0])

    def macro_f1_interval(self, groups: Sequence[str], seed: int) -> tuple[float, float]:
        """The 95 % percentile bootstrap interval of macro-F1, widened where needed to hold the value itself."""
        low, high = bootstrap_cells(self.cell_of_row, groups, self.macro_f1_of, seed)
        value = self.macro_f1()
        return min(low, value), max(high, value)

    def per_class(self) -> list[dict[str, Any]]:
        """Support, precision, recall and F1 of each label, in order of the labels."""
        hits, wanted, predicted = self._margins(self.counts[None, :].astype(np.float64))
        return [
            {
                "label": label,
                "support": int(wanted[0, position]),
                "precision": _ratio(hits[0, position], predicted[0, position]),
                "recall": _ratio(hits[0, position], wanted[0, position]),
                "f1": _ratio(2 * hits[0, position], wanted[0, position] + predicted[0, position]),
            }
            for position, label in enumerate(self.labels)
        ]

    def pairs(self) -> list[tuple[str, str, int]]:
        """Confusions as (wanted, predicted, rows), most frequent first, at most ``MAX_PAIRS``."""
        wrong = [
            (self.labels[a], self.labels[b], int(count))
            for a, b, count in zip(self.wanted, self.predicted, self.counts, strict=True)
            if a != b
        ]
        return sorted(wrong, key=lambda pair: (-pair[2], pair[0], pair[1]))[:MAX_PAIRS]

    def to_json(self) -> dict[str, Any]:
        """Labels, non-empty cells as ``[wanted, predicted, rows]`` by position, and the most frequent confusions."""
        cells = np.stack([self.wanted, self.predicted, self.counts], axis=1)
        return {
            "labels": list(self.labels),
            "cells": cells.tolist(),
            "pairs": [{"label": a, "predicted": b, "rows": rows} for a, b, rows in self.pairs()],
        }

    def _margins(self, counts: Floats) -> tuple[Floats, Floats, Floats]:
        """From cell counts ``(n, cells)``: hits, wanted and predicted rows per label, each ``(n, labels)``."""
        width, cells = len(self.labels), len(self.wanted)
        ones, each = np.ones(cells), np.arange(cells)
        wanted_of = sparse.csr_matrix((ones, (each, self.wanted)), shape=(cells, width))
        predicted_of = sparse.csr_matrix((ones, (each, self.predicted)), shape=(cells, width))
        hits = counts * (self.wanted == self.predicted)
        return np.asarray(hits @ wanted_of), np.asarray(counts @ wanted_of), np.asarray(counts @ predicted_of)

    def macro_f1_of(self, counts: Floats) -> Floats:
        """Macro-F1 for other counts of the same cells, shape ``(n, cells)``: of resamples, say. Shape ``(n,)``."""
        hits, wanted, predicted = self._margins(counts)
        both = wanted + predicted
        occurs = both > 0
        f1 = np.divide(2 * hits, both, out=np.zeros_like(both), where=occurs)
        return np.asarray(f1.sum(axis=1) / np.maximum(1, occurs.sum(axis=1)))


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
