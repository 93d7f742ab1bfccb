"""Texts that a search of repeats keeps, found again by the bands they share with another."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = npt.NDArray[np.signedinteger[Any]]

#: In a bucket of very many texts the search looks back at this many that stay, which bounds the work by the number of texts.
_KEPT_IN_BUCKET = 128


class KeptTexts:
    """Texts by bucket, so that those which share a band with another are found; filled as texts are kept.

    All buckets are parts of one array, each as long as the texts that could come into it: lists would take kilobytes per text.
    """

    def __init__(self, bands: npt.NDArray[np.int32] | npt.NDArray[np.uint64]) -> None:
        number_of_band = np.arange(bands.shape[1], dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        _, buckets, sizes = np.unique(bands.astype(np.uint64) ^ number_of_band, return_inverse=True, return_counts=True)
        self._buckets = buckets.reshape(bands.shape)
        self._starts = np.cumsum(sizes) - sizes
        self._held = np.zeros_like(sizes)
        self._texts = np.empty(bands.size, dtype=np.int64)

    def add(self, text: int) -> None:
        """Keep the text with this number."""
        own = self._buckets[text]
        self._texts[self._starts[own] + self._held[own]] = text
        self._held[own] += 1

    def beside(self, text: int) -> Rows:
        """The kept texts that share a band with this one, ascending; of a bucket the last ``_KEPT_IN_BUCKET``."""
        own = self._buckets[text]
        held = self._held[own]
        if not held.any():
            return np.empty(0, dtype=np.int64)
        ends = self._starts[own] + held
        first = ends - np.minimum(held, _KEPT_IN_BUCKET)
        return np.unique(np.concatenate([self._texts[i:j] for i, j in zip(first.tolist(), ends.tolist(), strict=True)]))
