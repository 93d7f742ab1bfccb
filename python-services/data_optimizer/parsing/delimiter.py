"""The shape of a delimited text, judged on a sample: which character separates, how many fields a record has, where the label stands.

The API judges the top of an upload alike (``src/services/datasets/delimited-head.ts``), to count its records;
``src/contracts/examples/delimited-heads.json`` holds both to it. Not covered: cutting the whole text into records (``delimited``).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from data_optimizer.parsing import header
from data_optimizer.parsing.label_side import Side, holds_commas, label_side, side_by_name
from data_optimizer.parsing.names import is_known_name
from data_optimizer.parsing.row_numbers import lacks_first_name
from data_optimizer.parsing.sampling import spread

#: In order of preference where several would do.
DELIMITERS = ("\t", "|", ",", ";")
_SAMPLE_LINES = 2_000
_MIN_SHARE = 0.6
#: Fewer records of the usual width than this share, and the delimiter is taken to stand in the text too.
_REGULAR_SHARE = 0.98
#: A difference in regularity below this does not decide between two delimiters.
_CLEAR_LEAD = 0.02
#: What a header of known names, or blanks after the delimiter as after a comma in prose, weigh against regularity.
_EVIDENCE = 0.1


@dataclass(frozen=True)
class Shape:
    """How to cut the records.

    ``width`` is the usual number of fields, ``least`` how many a record must have: the fields after it are empty in all others, as
    where delimiters end the lines. ``label_side`` is set where records are a label and a text whose delimiters nobody quoted.
    ``numbered`` says that the header has no name for the first column, which numbers the rows.
    """

    delimiter: str
    least: int
    width: int
    label_side: Side | None = None
    numbered: bool = False

    def fits(self, fields: list[str]) -> bool:
        """Whether these can be the fields of a record."""
        return self.least <= len(fields) <= self.width


def shape_of(lines: Sequence[str], delimiter: str | None = None, named: Mapping[str, str | int] | None = None) -> Shape:
    """The shape of a text. ``delimiter`` None: the one that makes the most regular records of two or more fields, else a comma.

    ``named`` are the columns that the user gave.
    """
    named = named or {}
    delimiter = delimiter or _sniff(lines)
    sample = _sample(lines, delimiter)
    least, width = _widths(sample)
    first, *top = _top(lines, delimiter) or [[]]
    below = [record + [""] * (width - len(record)) for record in top if least <= len(record) <= width]
    names = [name.strip() for name in first]
    if len(names) == least - 1 and len(below) >= _REGULAR_SHARE * len(top) and lacks_first_name(names, below, named):
        unquoted = not any('"' in line for line in lines[: header.SAMPLE_ROWS])
        if not (unquoted and holds_commas(first, [record[1:] for record in below], delimiter)):
            return Shape(delimiter, least, width, numbered=True)
    side = _label_side(lines, delimiter, side_by_name(names, named))
    return Shape(delimiter, 2, 2, side) if side else Shape(delimiter, least, width)


def _label_side(lines: Sequence[str], delimiter: str, by_name: Side | None) -> Side | None:
    records = [line.split(delimiter) for line in spread(lines, _SAMPLE_LINES) if line.strip()]
    least, width = _widths(records)
    below = records[1:]  # A header may be shorter.
    regular = sum(least <= len(record) <= width for record in below) >= _REGULAR_SHARE * len(below)
    return None if regular and least <= 2 else label_side(records, delimiter, by_name, regular=regular)


def _top(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The first records that are not blank, as many as the API sees of an upload, which passes by."""
    reader = csv.reader((f"{line}\n" for line in lines[:_SAMPLE_LINES]), delimiter=delimiter)
    return [*islice(_filled(reader), header.SAMPLE_ROWS + 1)]


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


def _sniff(lines: Sequence[str]) -> str:
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


def _sample(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Records of a sample of the lines: spread over the file where records are single lines, else the ones at its top."""
    top = lines[:_SAMPLE_LINES]
    records = [*_filled(csv.reader((f"{line}\n" for line in top), delimiter=delimiter))]
    if any("\n" in field for record in records for field in record):
        return records
    single = (csv.reader((f"{line}\n",), delimiter=delimiter) for line in spread(lines, _SAMPLE_LINES))
    return [*_filled(chain.from_iterable(single))]


def _filled(records: Iterable[list[str]]) -> Iterator[list[str]]:
    return (record for record in records if any(map(str.strip, record)))
