"""The shape of a delimited text, judged on a sample: which character separates, how many fields a record has, where the label stands.

The API judges the top of an upload alike (``src/services/datasets/delimited-head.ts``), to count its records;
``src/contracts/examples/delimited-heads.json`` holds both to it. Not covered: cutting the whole text into records (``delimited``).
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from data_optimizer.parsing.names import is_known_name, plain_name
from data_optimizer.parsing.sampling import spread
from wlops_common.errors import DatasetUnreadable

#: In order of preference where several would do.
DELIMITERS = ("\t", "|", ",", ";")
_SAMPLE_LINES = 2_000
_MIN_SHARE = 0.6
#: Fewer records of the usual width than this share, and the delimiter is taken to stand in the text too.
_REGULAR_SHARE = 0.98
#: At most this share of the records may be too short, or begin a field with a quote, in a file that quotes nothing.
_STRAY_SHARE = 0.02
_MAX_LABEL_CHARACTERS = 60
#: A difference in regularity below this does not decide between two delimiters.
_CLEAR_LEAD = 0.02
#: What a header of known names, or blanks after the delimiter as after a comma in prose, weigh against regularity.
_EVIDENCE = 0.1
_WHOLE_NUMBER = re.compile(r"[0-9]+")
#: What people call a column that numbers the rows: below such a name the numbers are not those of a column without one.
_NAME_OF_NUMBERS = re.compile(r"(?:.*_)?(?:id|idx|no|nr|num|number|key)|(?:row|i)_index|index|row|#")

Side: TypeAlias = Literal["first", "last"]


@dataclass(frozen=True)
class Shape:
    """How to cut the records.

    ``width`` is the usual number of fields, ``least`` how many a record must have: the fields after it are empty in all others, as
    where delimiters end the lines. ``label_side`` is set where records are a label and a text whose delimiters nobody quoted.
    ``numbered`` says that the header has no name for the first column, which numbers the rows: so R and data frames write them.
    """

    delimiter: str
    least: int
    width: int
    label_side: Side | None = None
    numbered: bool = False

    def fits(self, fields: list[str]) -> bool:
        """Whether these can be the fields of a record."""
        return self.least <= len(fields) <= self.width


def shape_of(lines: list[str], delimiter: str | None = None) -> Shape:
    """The shape of a text. ``delimiter`` None: the one that makes the most regular records of two or more fields, else a comma.

    Raises ``DatasetUnreadable`` where a header has fewer names than the records have fields, and nothing tells which are meant.
    """
    delimiter = delimiter or _sniff(lines)
    records = _sample(lines, delimiter)
    least, width = _widths(records)
    number, first = _first_record(lines, delimiter)
    if first and len(first) == least - 1 and _lacks_a_name(first, records[1:], least, width):
        return Shape(delimiter, least, width, numbered=True)
    plain = [line.split(delimiter) for line in spread(lines, _SAMPLE_LINES) if line.strip()]
    names = first if all(map(is_known_name, first)) else []
    side = _label_side(plain, len(names))
    if side:
        return Shape(delimiter, 2, 2, side)
    if 2 <= len(names) < least:
        raise DatasetUnreadable(
            f"Line {number} names {len(names)} columns ({', '.join(names)}), the lines below it have {width} fields. Quote the "
            f"fields that hold {delimiter!r}, or give every column a name.",
            details={"line": number, "delimiter": delimiter},
        )
    return Shape(delimiter, least, width)


def _first_record(lines: list[str], delimiter: str) -> tuple[int, list[str]]:
    """The fields of the first line that is not blank, and its number."""
    number, line = next(((number, line) for number, line in enumerate(lines, 1) if line.strip()), (1, ""))
    return number, [field.strip() for field in next(csv.reader((line,), delimiter=delimiter), [])]


def _lacks_a_name(header: list[str], records: list[list[str]], least: int, width: int) -> bool:
    """Whether nearly all records have a usual width, and begin with a whole number of their own that the header has no name for."""
    usual = [record for record in records if least <= len(record) <= width]
    numbers = {record[0].strip() for record in usual}
    return (
        not _NAME_OF_NUMBERS.fullmatch(plain_name(header[0]))
        and len(usual) >= _REGULAR_SHARE * len(records)
        and len(numbers) == len(usual)
        and all(map(_WHOLE_NUMBER.fullmatch, numbers))
    )


def usual_width(records: Iterable[list[str]]) -> int:
    """The commonest number of fields; of equally common ones the largest."""
    widths = Counter(len(record) for record in records)
    return max(widths, key=lambda width: (widths[width], width), default=1)


def _widths(records: list[list[str]]) -> tuple[int, int]:
    """``least`` and ``width`` of a shape: the fields up to the last that a usual record fills, but two, and the usual ones."""
    width = usual_width(records)
    usual = [record for record in records if len(record) == width]
    filled = max((place for record in usual for place, field in enumerate(record, 1) if field.strip()), default=0)
    return min(width, max(2, filled)), width


def _sniff(lines: list[str]) -> str:
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        records = _sample(lines, delimiter)
        width = usual_width(records)
        regular = [record for record in records if len(record) == width]
        share = len(regular) / max(1, len(records))
        if width < 2 or share < _MIN_SHARE:
            continue
        prose = sum(any(field.startswith(" ") for field in record[1:]) for record in regular) / len(regular)
        score = share + _EVIDENCE * (any(map(is_known_name, records[0])) - prose)
        if score > best_score + _CLEAR_LEAD:
            best, best_score = delimiter, score
    return best


def _sample(lines: list[str], delimiter: str) -> list[list[str]]:
    """Records of a sample of the lines: spread over the file where records are single lines, else the ones at its top."""
    top = lines[:_SAMPLE_LINES]
    records = _filled(csv.reader((f"{line}\n" for line in top), delimiter=delimiter))
    if any("\n" in field for record in records for field in record):
        return records
    return _filled(
        record for line in spread(lines, _SAMPLE_LINES) for record in csv.reader((f"{line}\n",), delimiter=delimiter)
    )


def _filled(records: Iterable[list[str]]) -> list[list[str]]:
    return [record for record in records if any(map(str.strip, record))]


def _label_side(records: list[list[str]], names: int) -> Side | None:
    """Where the label stands if records are a label and a text whose delimiters nobody quoted, so that widths vary; else None.

    They need not vary below a header of two ``names``: all texts may have as many delimiters.
    """
    allowed = _STRAY_SHARE * len(records) + 1
    cut = [record for record in records if len(record) >= 2]
    least, width = _widths(records)
    regular = sum(least <= len(record) <= width for record in records)
    if (
        (regular >= _REGULAR_SHARE * len(records) and not (names == 2 and least > 2))
        or len(records) - len(cut) > allowed
        or sum(any(field.lstrip().startswith('"') for field in record) for record in records) > allowed
        or min(map(len, cut), default=0) != 2
    ):
        return None
    sides: tuple[tuple[Side, int], ...] = (("first", 0), ("last", -1))
    for side, place in sides:
        labels = Counter(record[place].strip() for record in cut)
        kept = [label for label, count in labels.items() if label and count > 1 and len(label) <= _MAX_LABEL_CHARACTERS]
        odd = len(cut) - sum(labels[label] for label in kept)
        if 2 <= len(kept) <= len(cut) // 4 and odd <= allowed:
            return side
    return None
