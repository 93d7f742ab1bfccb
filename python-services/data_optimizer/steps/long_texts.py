"""Tests of what a long text is made of. In short ones nothing is unusual: ``!!!`` and ``no no no`` are messages too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from data_optimizer.journal import Mask

MIN_CHARACTERS = 200


def where_long(texts: pl.Series, test: Callable[[pl.Series], pl.Series]) -> Mask:
    """The answer of ``test`` for each long text and False for the short ones, shape ``(texts,)``."""
    result = np.zeros(len(texts), dtype=bool)
    long = (texts.str.len_chars() >= MIN_CHARACTERS).arg_true()
    if len(long):
        result[long.to_numpy()] = test(texts.gather(long)).to_numpy()
    return result
