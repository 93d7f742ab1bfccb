"""Texts out of all proportion to the others: whole documents among sentences."""

from __future__ import annotations

import numpy as np
import polars as pl

from data_optimizer.journal import Mask

#: A text goes that is this many times as long as the 99th percentile of all, and longer than any sentence or short passage.
_TIMES_PERCENTILE = 10
_PERCENTILE = 0.99
_MIN_CHARACTERS = 4_000
#: Of fewer texts the percentile is one of them.
_MIN_TEXTS = 200


def far_too_long(texts: pl.Series) -> Mask:
    """Which texts are far longer than the others, shape ``(texts,)``. A short text may be all there is to say: none is too short."""
    if len(texts) < _MIN_TEXTS:
        return np.zeros(len(texts), dtype=bool)
    lengths = texts.str.len_chars()
    bound = max(_MIN_CHARACTERS, _TIMES_PERCENTILE * float(lengths.quantile(_PERCENTILE) or 0))
    return (lengths > bound).to_numpy()
