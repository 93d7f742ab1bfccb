"""CSV and its relatives to records: which quotes are real, and where each record starts.

A record that does not fit the others goes aside alone: a stray quote costs nothing, or one row, not the rest of the file.
Not covered: what the columns mean (``columns``) and whether the first record names them (``header``).
"""

from __future__ import annotations

import array
import csv
import re
from collections.abc import Mapping, MutableSequence, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from data_optimizer.parsing.delimiter import Shape, shape_of
from data_optimizer.parsing.stored_rows import StoredRows
from data_optimizer.parsing.table import BadRow, sample_of

#: A record may take this many lines, or as many as the longest of a file whose quotes are all in order; beyond that the opening quote is
#: taken for a stray one.
_MAX_RECORD_LINES = 200
#: Quotes are in order where at least this share of the records that CSV's rules make of the whole file have the usual width.
_SOUND_SHARE = 0.98
#: Lines joined by a quote that are nearly all records by themselves were joined by a stray one.
_STRAY_SHARE = 0.9
#: Prose has commas enough that fewer lines than this look like records by chance.
_MIN_STRAY_LINES_OF_COMMAS = 4

_EXCEL_DELIMITER = re.compile(r'"?sep=(.)"?\s*')

csv.field_size_limit(64 * 1024 * 1024)


@dataclass
class Records:
    """Fields of each record with the line it starts on; all have as many fields as the file's usual record."""

    delimiter: str
    fields: StoredRows = field(default_factory=StoredRows)
    lines: array.array[int] = field(default_factory=lambda: array.array("q"))
    bad: list[BadRow] = field(default_factory=list)


def parse_delimited(
    lines: MutableSequence[str], delimiter: str | None = None, named: Mapping[str, str | int] | None = None
) -> Records:
    """Split lines into records. ``delimiter`` None: found out. Lines without any give records of one field.

    A first line that tells Excel the delimiter (``sep=;``) is none. A header without a name for the first column gets an empty one.
    ``named`` are the columns that the user gave.
    """
    told = _EXCEL_DELIMITER.fullmatch(lines[0])
    start = 1 if told else 0
    below = lines[start:] if start else lines
    shape = shape_of(below, told[1] if told else delimiter, named)
    if shape.numbered:
        header = next(number for number in range(start, len(lines)) if lines[number].strip())
        lines[header] = shape.delimiter + lines[header]
    result = Records(shape.delimiter)
    reach = _Reach(lines, start, shape)
    last = len(lines) - 1 if not lines[-1] else len(lines)
    position = start
    while position < last:
        line = lines[position]
        fields, used = _record(lines, position, shape, reach)
        if not any(map(str.strip, fields)):
            result.bad.append(BadRow(position + 1, "blank row", sample_of(line)))
        elif not shape.fits(fields):
            reason = f"{len(fields)} {'field' if len(fields) == 1 else 'fields'} where the file has {shape.width}"
            result.bad.append(BadRow(position + 1, reason, sample_of(line)))
        else:
            result.fields.append(fields + [""] * (shape.width - len(fields)))
            result.lines.append(position + 1)
        position += used
    return result


class _Reach:
    """How many lines a record may take."""

    def __init__(self, lines: Sequence[str], start: int, shape: Shape) -> None:
        self._lines, self._start, self._shape = lines, start, shape

    def covers(self, used: int) -> bool:
        """Whether a record may take so many lines. The whole file is read at most once to tell, and only if one is that long."""
        if self._shape.label_side is not None:
            return used == 1
        return used <= _MAX_RECORD_LINES or used <= self._longest

    @cached_property
    def _longest(self) -> int:
        """Lines of the longest record that CSV's rules make of the file; 0 where a quote is out of order."""
        reader = csv.reader(
            (f"{line}\n" for line in islice(self._lines, self._start, None)),
            delimiter=self._shape.delimiter,
            strict=True,
        )
        longest = records = sound = before = 0
        try:
            for fields in reader:
                longest, before = max(longest, reader.line_num - before), reader.line_num
                records += bool(fields)
                sound += bool(fields) and self._shape.fits(fields)
        except csv.Error:
            return 0
        return longest if sound >= _SOUND_SHARE * records else 0


def _record(lines: Sequence[str], position: int, shape: Shape, reach: _Reach) -> tuple[list[str], int]:
    """The record that starts at a line, and how many lines it takes.

    Tried in turn: quotes as CSV means them, over several lines if one stays open; quotes as plain characters of one line;
    quotes as CSV means them, but with text after a closing one.
    """
    line = lines[position]
    if '"' not in line:
        return _plain(line, shape), 1
    strict, used = _quoted(lines, position, shape, reach)
    if strict is not None:
        return strict, used
    plain = _plain(line, shape)
    if shape.fits(plain):
        return plain, 1
    lenient = next(csv.reader((line,), delimiter=shape.delimiter))
    return (lenient if shape.fits(lenient) else plain), 1


def _plain(line: str, shape: Shape) -> list[str]:
    if shape.label_side is None:
        return line.split(shape.delimiter)
    return line.split(shape.delimiter, 1) if shape.label_side == "first" else line.rsplit(shape.delimiter, 1)


def _quoted(lines: Sequence[str], position: int, shape: Shape, reach: _Reach) -> tuple[list[str] | None, int]:
    """The record that CSV's rules make of a line and the ones its open quote draws in, if they make one.

    One of another width is none where delimiters stand in the text: its quotes may be plain characters.
    """
    quotes = 0
    for used in range(1, len(lines) - position + 1):
        if not reach.covers(used):
            break
        quotes += lines[position + used - 1].count('"')
        if quotes % 2 == 0:
            joined = lines[position : position + used]
            fields = _strictly(joined, shape.delimiter)
            is_record = fields is not None and (shape.fits(fields) or shape.label_side is None)
            if is_record and not _are_records(joined, shape):
                return fields, used
            if used > 1:
                break
    return None, 1


def _strictly(lines: Sequence[str], delimiter: str) -> list[str] | None:
    """The one record that the lines are when no text follows a closing quote, else None."""
    try:
        records = list(csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return records[0] if len(records) == 1 else None


def _are_records(lines: Sequence[str], shape: Shape) -> bool:
    """Whether lines that a quote joined are records by themselves, so that the quote is a stray one."""
    filled = [line for line in lines if line.strip()]
    if len(filled) < (_MIN_STRAY_LINES_OF_COMMAS if shape.delimiter == "," else 2):
        return False
    return sum(shape.fits(line.split(shape.delimiter)) for line in filled) >= _STRAY_SHARE * len(filled)
