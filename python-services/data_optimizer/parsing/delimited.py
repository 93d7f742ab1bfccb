"""CSV and its relatives: which character separates, which quotes are real, and where each record starts.

A record that does not fit the others goes aside alone: a stray quote costs one row, not the rest of the file.
Not covered: what the columns mean (``columns``) and whether the first record names them (``header``).
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal, TypeAlias

from data_optimizer.parsing.table import BadRow, sample_of

#: In order of preference where several would do: a comma is the likeliest to stand in ordinary text.
DELIMITERS = ("\t", "|", ";", ",")
_SAMPLE_LINES = 400
#: A quoted field may hold this many line breaks; beyond that the opening quote is taken for a stray one.
_MAX_RECORD_LINES = 200
_MIN_SHARE = 0.6
#: Fewer records of the usual width than this share, and the delimiter is taken to stand in the text too.
_REGULAR_SHARE = 0.9
_MAX_LABEL_CHARACTERS = 60

Side: TypeAlias = Literal["first", "last"]
_LABELLED = re.compile(r"^(?:__label__(\S+)|([A-Za-z]\w*:\w+))[ \t]+(\S.*)$")

csv.field_size_limit(64 * 1024 * 1024)


@dataclass
class Records:
    """Fields of each record with the line it starts on; all have as many fields as the file's usual record."""

    fields: list[list[str]]
    lines: list[int]
    bad: list[BadRow]
    delimiter: str


def parse_delimited(text: str, delimiter: str | None = None) -> Records:
    """Split a text into records. ``delimiter`` None: found out. A text without any gives records of one field."""
    lines = text.split("\n")
    if delimiter is None:
        labelled = _labelled(lines)
        if labelled is not None:
            return labelled
        delimiter = sniff_delimiter(lines)
    sample = _sample_records(lines, delimiter)
    side = _label_side(sample) if '"' not in text else None
    return _split(lines, delimiter, _usual_width(sample) if side is None else 2, side)


def sniff_delimiter(lines: list[str]) -> str:
    """The character that cuts the beginning of the file into the most regular records of two or more fields; else a comma."""
    best, best_share = ",", 0.0
    for delimiter in DELIMITERS:
        records = _sample_records(lines, delimiter)
        width = _usual_width(records)
        share = sum(len(record) == width for record in records) / max(1, len(records))
        if width >= 2 and share >= _MIN_SHARE and share > best_share + 0.02:
            best, best_share = delimiter, share
    return best


def _label_side(records: list[list[str]]) -> Side | None:
    """Where the label stands if records are a label and a text whose delimiters nobody quoted, so that widths vary; else None."""
    regular = sum(len(record) == _usual_width(records) for record in records)
    if regular >= _REGULAR_SHARE * len(records) or min(map(len, records)) != 2:
        return None
    for side, place in (("first", 0), ("last", -1)):
        labels = {record[place].strip() for record in records}
        if 2 <= len(labels) <= len(records) // 4 and max(map(len, labels)) <= _MAX_LABEL_CHARACTERS:
            return "first" if side == "first" else "last"
    return None


def _sample_records(lines: list[str], delimiter: str) -> list[list[str]]:
    sample = lines[:_SAMPLE_LINES]
    return [
        record
        for record in csv.reader((f"{line}\n" for line in sample), delimiter=delimiter)
        if any(map(str.strip, record))
    ]


def _usual_width(records: list[list[str]]) -> int:
    widths = Counter(len(record) for record in records)
    return max(widths, key=lambda width: (widths[width], width), default=1)


def _split(lines: list[str], delimiter: str, width: int, label_side: Side | None) -> Records:
    result = Records([], [], [], delimiter)
    last = len(lines) - 1 if lines and not lines[-1] else len(lines)
    position = 0
    while position < last:
        line = lines[position]
        used = 1
        if '"' not in line:
            fields = _fields(line, delimiter, label_side)
        else:
            fields, used = _quoted_record(lines, position, delimiter, width)
        if not any(map(str.strip, fields)):
            result.bad.append(BadRow(position + 1, "blank row", sample_of(line)))
        elif len(fields) != width:
            reason = f"{len(fields)} {'field' if len(fields) == 1 else 'fields'} where the file has {width}"
            result.bad.append(BadRow(position + 1, reason, sample_of(line)))
        else:
            result.fields.append(fields)
            result.lines.append(position + 1)
        position += used
    return result


def _fields(line: str, delimiter: str, label_side: Side | None) -> list[str]:
    if label_side is None:
        return line.split(delimiter)
    return line.split(delimiter, 1) if label_side == "first" else line.rsplit(delimiter, 1)


def _quoted_record(lines: list[str], position: int, delimiter: str, width: int) -> tuple[list[str], int]:
    """The record that starts at a line holding a quote, and how many lines it takes.

    Tried in turn: quotes as CSV means them, over several lines if one stays open; then quotes as plain characters of one line.
    """
    quotes = 0
    for used in range(1, _MAX_RECORD_LINES + 1):
        if position + used > len(lines):
            break
        quotes += lines[position + used - 1].count('"')
        if quotes % 2 == 0:
            records = list(csv.reader((f"{line}\n" for line in lines[position : position + used]), delimiter=delimiter))
            if len(records) == 1 and len(records[0]) == width:
                return records[0], used
            if used > 1:
                break
    plain = lines[position].split(delimiter)
    return plain, 1


def _labelled(lines: list[str]) -> Records | None:
    """Records of ``__label__x text`` (fastText) or ``COARSE:fine text`` (TREC), where nearly every line is one."""
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    sample = [match for _, line in filled[:_SAMPLE_LINES] if (match := _LABELLED.match(line))]
    labels = {match[1] or match[2] for match in sample}
    if len(sample) < 0.9 * min(len(filled), _SAMPLE_LINES) or len(sample) < 4 or len(labels) > len(sample) // 2:
        return None
    result = Records([], [], [], " ")
    for number, line in filled:
        match = _LABELLED.match(line)
        if match is None:
            result.bad.append(BadRow(number, "no label before the text", sample_of(line)))
        else:
            result.fields.append([match[1] or match[2], match[3]])
            result.lines.append(number)
    result.bad += [
        BadRow(number, "blank row", "")
        for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, 1)
        if not line.strip()
    ]
    return result
