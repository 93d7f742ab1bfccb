"""What the columns of a table hold, seen on a sample spread over the file. Not covered: which of them the task is about (``detection``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from data_optimizer.parsing.names import plain_name
from data_optimizer.parsing.sampling import spread
from data_optimizer.parsing.table import Table

#: A ``remark`` is a time or a row number: an answer if its name says so, never an input or a label by itself. ``other``: no text at all.
Kind = Literal["text", "label", "number", "remark", "other"]

_SAMPLE_ROWS = 3_000
#: A label stands on many rows: at most this share of the rows may be distinct, unless the file is tiny.
_LABEL_DISTINCT_SHARE = 0.5
_MAX_LABEL_WORDS = 6
#: Nearly all values must be numbers, or points in time, for the column to be of them.
_NEARLY_ALL = 0.95
#: Class numbers are counted from here without great gaps; answers to problems are not.
_FIRST_CLASS_NUMBERS = (0, 1)
_MIN_CLASS_DENSITY = 0.5
#: Fewer numbers ascend by chance.
_MIN_COUNTED_ROWS = 8
_TIME = re.compile(r"\b\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b|\b\d{1,2}:\d{2}\b")
_MAX_TIME_CHARACTERS = 40


@dataclass(frozen=True)
class Profile:
    """What a column holds. Shares are of the sampled rows, ``distinct_share`` of those that hold something."""

    index: int
    name: str
    kind: Kind
    distinct_share: float
    distinct: int
    mean_characters: float
    mean_words: float
    filled_share: float
    counts_classes: bool

    @property
    def repeats(self) -> bool:
        """Whether few values stand on many rows, as labels do."""
        return self.distinct_share <= _LABEL_DISTINCT_SHARE or self.distinct <= 3

    @property
    def is_answer(self) -> bool:
        """Whether the values are numbers that count no classes, as the answers to problems are."""
        return self.kind == "number" and not self.counts_classes


def profiles_of(table: Table) -> list[Profile]:
    """The profile of each column, in the file's order."""
    rows = spread(table.rows, _SAMPLE_ROWS)
    return [_profile(index, name, [row[index] for row in rows]) for index, name in enumerate(table.names)]


def _profile(index: int, name: str, values: list[Any]) -> Profile:
    filled = [value for value in values if value is not None]
    scalar = 2 * sum(isinstance(value, str | int | float | bool) for value in filled) > len(filled)
    texts = [text for value in filled if (text := str(value).strip())]
    count = max(1, len(texts))
    distinct = set(texts)
    words = sum(len(text.split()) for text in texts) / count
    return Profile(
        index,
        plain_name(name),
        _kind(texts, words, len(distinct) / count) if scalar and texts else "other",
        len(distinct) / count,
        len(distinct),
        sum(map(len, texts)) / count,
        words,
        count / max(1, len(values)),
        _count_classes(distinct),
    )


def _kind(texts: list[str], mean_words: float, distinct_share: float) -> Kind:
    numbers = [number for text in texts if (number := _number(text)) is not None]
    if len(numbers) > _NEARLY_ALL * len(texts):
        return "remark" if _count_rows(numbers) else "number"
    if sum(_is_time(text) for text in texts) > _NEARLY_ALL * len(texts):
        return "remark"
    return "label" if distinct_share <= _LABEL_DISTINCT_SHARE and mean_words <= _MAX_LABEL_WORDS else "text"


def _count_rows(numbers: list[float]) -> bool:
    """Whether each number is greater than the one before, as row numbers and times of logging are."""
    return len(numbers) >= _MIN_COUNTED_ROWS and all(a < b for a, b in pairwise(numbers))


def _count_classes(distinct: set[str]) -> bool:
    """Whether values are the numbers of classes: whole, from 0 or 1 (or two of any kind, as ``-1`` and ``1``), without great gaps."""
    numbers = {_number(text) for text in distinct} - {None}
    whole = sorted(int(number) for number in numbers if number is not None and number.is_integer())
    if len(whole) < len(numbers) or not whole:
        return False
    dense = whole[0] in _FIRST_CLASS_NUMBERS and len(whole) >= _MIN_CLASS_DENSITY * (whole[-1] - whole[0] + 1)
    return dense or len(whole) <= 3


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def _is_time(text: str) -> bool:
    return len(text) <= _MAX_TIME_CHARACTERS and _TIME.search(text) is not None
