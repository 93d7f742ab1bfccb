"""The shape of a delimited text, judged on a sample: which character separates, how many fields a record has, where the label stands.

The API judges the top of an upload alike (``src/services/datasets/delimited-head.ts``), to count its records;
``src/contracts/examples/delimited-heads.json`` holds both to it. Not covered: cutting the whole text into records (``delimited``).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from data_optimizer.parsing.names import is_known_name
from data_optimizer.parsing.sampling import spread
from data_optimizer.parsing.short_header import Side, holds_known_names, is_prose, label_sides, lacks_first_name
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


def shape_of(lines: list[str], delimiter: str | None = None, named: Mapping[str, str | int] | None = None) -> Shape:
    """The shape of a text. ``delimiter`` None: the one that makes the most regular records of two or more fields, else a comma.

    ``named`` are the columns that the user gave. Raises ``DatasetUnreadable`` where the text of each line holds the delimiter, so that
    the header has fewer names than the lines have fields, and nothing tells which of these belong together.
    """
    named = named or {}
    delimiter = delimiter or _sniff(lines)
    records = _sample(lines, delimiter)
    least, width = _widths(records)
    (number, header), (_, second) = _top(lines, delimiter)
    below = [record for record in records[1:] if least <= len(record) <= width]
    short = 0 < len(header) < least and len(below) >= _REGULAR_SHARE * len(records[1:])
    prose = short and is_prose(header, below)
    names = [name.strip() for name in header]
    if short and not prose and len(header) == least - 1:
        padded = [record + [""] * (width - len(record)) for record in below]
        if lacks_first_name(names, second, padded):
            return Shape(delimiter, least, width, numbered=True)
    plain = [line.split(delimiter) for line in spread(lines, _SAMPLE_LINES) if line.strip()]
    side = _label_side(plain, label_sides(names, named), regular_too=prose and len(header) == 2)
    if side:
        return Shape(delimiter, 2, 2, side)
    by_number = any(isinstance(column, int) for column in named.values())
    if prose and len(header) > 1 and holds_known_names(names, named) and not by_number:
        raise DatasetUnreadable(
            f"Line {number} names {len(header)} columns ({', '.join(names)}), the lines below it have {width} fields. Quote the "
            f"fields that hold {delimiter!r}, or give every column a name.",
            details={"line": number, "delimiter": delimiter},
        )
    return Shape(delimiter, least, width)


def _top(lines: list[str], delimiter: str) -> list[tuple[int, list[str]]]:
    """The first two lines that are not blank, each with its number and its fields; blank ones where there are fewer."""
    filled = islice(((number, line) for number, line in enumerate(lines, 1) if line.strip()), 2)
    return [
        (number, next(csv.reader((line,), delimiter=delimiter), [""]))
        for number, line in [*filled, (1, ""), (1, "")][:2]
    ]


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


def _label_side(records: list[list[str]], sides: tuple[Side, ...], *, regular_too: bool) -> Side | None:
    """On which of the sides the label stands if records are a label and a text whose delimiters nobody quoted; else None.

    Widths vary then, but where ``regular_too`` says that all texts may have as many delimiters.
    """
    allowed = _STRAY_SHARE * len(records) + 1
    cut = [record for record in records if len(record) >= 2]
    least, width = _widths(records)
    below = records[1:]  # A header may be shorter.
    regular = sum(least <= len(record) <= width for record in below)
    if (
        (regular >= _REGULAR_SHARE * len(below) and not regular_too)
        or len(records) - len(cut) > allowed
        or sum(any(field.lstrip().startswith('"') for field in record) for record in records) > allowed
        or min(map(len, cut), default=0) != 2
    ):
        return None
    for side in sides:
        labels = Counter(record[0 if side == "first" else -1].strip() for record in cut)
        kept = [label for label, count in labels.items() if label and count > 1 and len(label) <= _MAX_LABEL_CHARACTERS]
        odd = len(cut) - labels[""] - sum(labels[label] for label in kept)
        if 2 <= len(kept) <= len(cut) // 4 and odd <= allowed:
            return side
    return None
