"""Long inputs of hardly any letters and digits: rulers, tables without words, binary pasted as text."""

from __future__ import annotations

import polars as pl

from data_optimizer.journal import Mask
from data_optimizer.steps.long_texts import where_long

#: Of the characters that are not blank. Formulas and program code have half at most.
_MAX_SHARE = 0.75


def mostly_special(texts: pl.Series) -> Mask:
    """Which texts are long and made of special characters for the most part, shape ``(texts,)``."""
    return where_long(texts, _test)


def _test(texts: pl.Series) -> pl.Series:
    special = texts.str.count_matches(r"[^\p{L}\p{M}\p{N}\s]")
    filled = texts.str.count_matches(r"\S")
    return special > filled * _MAX_SHARE
