"""The shape of a delimited text, judged on a sample: which character separates, how many fields a record has, where the label stands.

The API judges the top of an upload alike (``src/services/datasets/delimited-head.ts``), to count its records;
``src/contracts/examples/delimited-heads.json`` holds both to it. Not covered: cutting the whole text into records (``delimited``).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from data_optimizer.parsing.names import is_known_name
from data_optimizer.parsing.sampling import spread

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

Side: TypeAlias = Literal["first", "last"]


@dataclass(frozen=True)
class Shape:
    """How to cut the records.

    ``width`` is the usual number of fields, ``least`` how many a record must have: the fields after it are empty in all others, as
    where delimiters end the lines. ``label_side`` is set where records are a label and a text whose delimiters nobody quoted.
    """

    delimiter: str
    least: int
    width: int
    label_side: Side | None = None

    def fits(self, fields: list[str]) -> bool:
        """Whether these can be the fields of a record."""
        return self.least <= len(fields) <= self.width


def shape_of(lines: list[str], delimiter: str | None = None) -> Shape:
    """The shape of a text. ``delimiter`` None: the one that makes the most regular records of two or more fields, else a comma."""
    delimiter = delimiter or _sniff(lines)
    plain = [line.split(delimiter) for line in spread(lines, _SAMPLE_LINES) if line.strip()]
    side = _label_side(plain)
    if side:
        return Shape(delimiter, 2, 2, side)
    return Shape(delimiter, *_widths(_sample(lines, delimiter)))


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


def _label_side(records: list[list[str]]) -> Side | None:
    """Where the label stands if records are a label and a text whose delimiters nobody quoted, so that widths vary; else None."""
    allowed = _STRAY_SHARE * len(records) + 1
    cut = [record for record in records if len(record) >= 2]
    least, width = _widths(records)
    regular = sum(least <= len(record) <= width for record in records)
    if (
        regular >= _REGULAR_SHARE * len(records)
        or len(records) - len(cut) > allowed
        or sum(any(field.lstrip().startswith('"') for field in record) for record in records) > allowed
        or min(map(len, cut), default=0) != 2
    ):
        return None
    sides: tuple[tuple[Side, int], ...] = (("first", 0), ("last", -1))
    for side, place in sides:
        labels = Counter(record[place].strip() for record in cut)
        kept = [label for label, count in labels.items() if count > 1 and len(label) <= _MAX_LABEL_CHARACTERS]
        odd = len(cut) - sum(labels[label] for label in kept)
        if 2 <= len(kept) <= len(cut) // 4 and odd <= allowed:
            return side
    return None
