"""Texts without a letter of the script that all others are written in: cheap, and blind to languages of one script."""

from __future__ import annotations

import numpy as np
import polars as pl

from data_optimizer.journal import Mask

#: One script must be nearly everybody's before a text of another counts as a stray; a second language is more than that.
_MIN_SHARE_OF_TEXTS = 0.999
_MIN_TEXTS = 1_000
#: Fewer letters are a name or a word quoted.
_MIN_LETTERS = 20
_SCRIPTS = {
    "Latin": r"\p{Latin}",
    "Cyrillic": r"\p{Cyrillic}",
    "Greek": r"\p{Greek}",
    "Arabic": r"\p{Arabic}",
    "Hebrew": r"\p{Hebrew}",
    "Devanagari": r"\p{Devanagari}",
    "Thai": r"\p{Thai}",
    # Japanese mixes these, and Korean may.
    "East Asian": r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}]",
}
_LETTER = r"\p{L}"


def foreign_script(texts: pl.Series) -> Mask:
    """Which texts have many letters and none of the script that nearly all texts have letters of, shape ``(texts,)``."""
    nobody = np.zeros(len(texts), dtype=bool)
    if len(texts) < _MIN_TEXTS:
        return nobody
    lettered = texts.str.contains(_LETTER)
    for letter in _SCRIPTS.values():
        has = texts.str.contains(letter)
        if len((has & lettered).arg_true()) >= _MIN_SHARE_OF_TEXTS * len(lettered.arg_true()):
            stray = (lettered & ~has).arg_true()
            many = texts.gather(stray).str.count_matches(_LETTER) >= _MIN_LETTERS
            nobody[stray.to_numpy()] = many.to_numpy()
            return nobody
    return nobody
