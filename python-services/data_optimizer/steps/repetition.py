"""Long texts that say one thing over and over: a key that was stuck, a generator that ran in circles."""

from __future__ import annotations

import polars as pl

from data_optimizer.journal import Mask
from data_optimizer.steps.long_texts import where_long

_MIN_WORDS = 60
#: At most this share of the words may be different ones. Of a chorus or a list of numbers more are.
_MAX_DISTINCT_SHARE = 0.05
#: Or this much of the text is one character in a row.
_MAX_RUN_SHARE = 0.5


def repetitive(texts: pl.Series) -> Mask:
    """Which texts are long and repeat a few words or one character, shape ``(texts,)``."""
    return where_long(texts, lambda long: pl.Series([*map(_repeats, long.to_list())], dtype=pl.Boolean))


def _repeats(text: str) -> bool:
    words = text.lower().split()
    if len(words) >= _MIN_WORDS and len(set(words)) <= _MAX_DISTINCT_SHARE * len(words):
        # Rows of a few numbers or signs (bits, moves, sequences) are problems of their own kind.
        return sum(any(map(str.isalpha, word)) for word in set(words)) * 2 > len(set(words))
    return _longest_run(text) > _MAX_RUN_SHARE * len(text)


def _longest_run(text: str) -> int:
    """Characters of the longest row of one letter or digit."""
    longest = run = 0
    before = ""
    for character in text:
        run = run + 1 if character == before else 1
        before = character
        if run > longest and character.isalnum():
            longest = run
    return longest
