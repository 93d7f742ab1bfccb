"""The functions of ``text`` over whole columns. Plain ASCII, which is most of most files, is handled by polars; the rest row by row.

Every function gives exactly what its counterpart in ``text`` gives for each row. Rows are worked on in slices, so that beside the column
and its result only little is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from wlops_ml.text import clean_label, clean_lines, clean_text, match_key, numbers

SLICE_ROWS = 65_536

_Map = Callable[[str], str]

#: Printable ASCII that can begin no entity and no tag: cleaning changes nothing but runs of blanks.
_PLAIN = r"^[ -%'-;=-~]*$"
_NEEDS_TRIM = r"  |^ | $"
#: What ``match_key`` reads as letters, digits, blanks or punctuation without asking Unicode.
_ASCII = r"^[\t-\r -~]*$"
_NO_NUMBER = r"^[\x00-/:-\x7f]*$"


def clean_texts(texts: pl.Series) -> pl.Series:
    """``clean_text`` of each."""
    return _sliced(texts, lambda part: _by(part, _PLAIN, _trimmed, clean_text))


def clean_line_texts(texts: pl.Series) -> pl.Series:
    """``clean_lines`` of each."""
    return _sliced(texts, lambda part: _by(part, _PLAIN, _trimmed, clean_lines))


def clean_labels(labels: pl.Series) -> pl.Series:
    """``clean_label`` of each."""
    return _sliced(labels, lambda part: _by(part, _PLAIN, _trimmed, clean_label))


def match_keys(texts: pl.Series) -> pl.Series:
    """``match_key`` of each."""
    return _sliced(texts, lambda part: _by(part, _ASCII, _plain_keys, match_key))


def number_texts(texts: pl.Series) -> pl.Series:
    """The ``numbers`` of each, joined by blanks."""
    return _sliced(texts, lambda part: _by(part, _NO_NUMBER, _nothing, lambda text: " ".join(numbers(text))))


def key_hashes(texts: pl.Series) -> pl.Series:
    """A 64-bit hash of each ``match_key``, for comparison within one process only: another version of polars hashes otherwise.

    Among ten million different keys two are taken for equal with a probability of three in a million.
    """
    parts = [match_keys(part).hash() for part in slices(texts)]
    return pl.concat(parts) if parts else pl.Series(texts.name, [], dtype=pl.UInt64)


def mixed(first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """One hash for each pair of hashes; the order within a pair matters."""
    folded = (first ^ (first >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15) + second
    return (folded ^ (folded >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)


def slices(column: pl.Series, rows: int = SLICE_ROWS) -> Iterator[pl.Series]:
    """The column in pieces of so many rows."""
    return (column.slice(start, rows) for start in range(0, len(column), rows))


def _sliced(texts: pl.Series, work: Callable[[pl.Series], pl.Series]) -> pl.Series:
    parts = [work(part) for part in slices(texts)]
    return pl.concat(parts).alias(texts.name) if parts else texts


def _by(texts: pl.Series, plain: str, fast: Callable[[pl.Series], pl.Series], slow: _Map) -> pl.Series:
    """``fast`` for the texts that match ``plain``, ``slow`` for each other one."""
    special = (~texts.str.contains(plain)).arg_true()
    if len(special) == len(texts):
        return pl.Series(texts.name, [slow(text) for text in texts.to_list()], dtype=pl.String)
    result = fast(texts)
    if len(special) == 0:
        return result
    found = pl.Series([slow(text) for text in texts.gather(special).to_list()], dtype=pl.String)
    return result.scatter(special, found)


def _trimmed(texts: pl.Series) -> pl.Series:
    if not texts.str.contains(_NEEDS_TRIM).any():
        return texts
    return texts.str.replace_all(" {2,}", " ").str.strip_chars(" ")


def _plain_keys(texts: pl.Series) -> pl.Series:
    lowered = texts.str.to_lowercase()
    keys = lowered.str.replace_all("[^0-9a-z]+", " ").str.strip_chars(" ")
    empty = (keys.str.len_bytes() == 0).arg_true()
    if len(empty) == 0:
        return keys
    return keys.scatter(empty, pl.Series([match_key(text) for text in texts.gather(empty).to_list()], dtype=pl.String))


def _nothing(texts: pl.Series) -> pl.Series:
    return pl.Series(texts.name, [""], dtype=pl.String).new_from_index(0, len(texts))
