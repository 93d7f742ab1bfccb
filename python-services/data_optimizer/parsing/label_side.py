"""Records that are a label and a text, whose delimiters nobody quoted: on which side does the label stand?

The API tells alike (``src/services/datasets/label-side.ts``). Not covered: cutting the lines there (``delimited``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Literal, TypeAlias

from data_optimizer.parsing.names import GENERATION_PAIRS, LABEL_NAMES, ROLE_ALIASES, plain_name

Side: TypeAlias = Literal["first", "last"]

#: At most this share of the records may be too short, or begin a field with a quote, in a file that quotes nothing.
_STRAY_SHARE = 0.02
_MAX_LABEL_CHARACTERS = 60
#: Numbers have commas too, and other sentences none.
_PROSE_SHARE = 0.9
_PROSE_DELIMITERS = (",", ";")
_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")


def side_by_name(header: list[str], named: Mapping[str, str | int]) -> Side | None:
    """The side that a header of two names calls the label or the completion, by usual names or those ``named`` by the user."""
    if len(header) != 2:
        return None
    first, last = (_is_output(name, other, named) for name, other in (header, header[::-1]))
    if first == last:
        return None
    return "first" if first else "last"


def _is_output(name: str, other: str, named: Mapping[str, str | int]) -> bool:
    output, given = plain_name(name), plain_name(other)
    own = {ROLE_ALIASES.get(plain_name(role)) for role, column in named.items() if plain_name(str(column)) == output}
    return "output" in own or output in LABEL_NAMES or (given, output) in GENERATION_PAIRS


def label_side(records: list[list[str]], delimiter: str, by_name: Side | None, *, regular: bool) -> Side | None:
    """The side of the label, None where the records are something else. ``records`` are lines cut at every delimiter, header first.

    ``regular`` says that nearly all are of one width, so that they are records as they stand: they are a label and a text only where
    the rest of each line reads as prose, and the header has two names or none.
    """
    allowed = _STRAY_SHARE * len(records) + 1
    cut = [record for record in records if len(record) >= 2]
    if (
        len(records) - len(cut) > allowed
        or sum(any(field.lstrip().startswith('"') for field in record) for record in records) > allowed
    ):
        return None
    if regular and by_name:
        return by_name if _is_prose(cut, delimiter, by_name) and _is_label(cut, by_name, True) else None
    if regular:
        sides: tuple[Side, ...] = ("first", "last")
        return next((side for side in sides if _is_torn(cut, delimiter, side) and _is_label(cut, side, False)), None)
    if min(map(len, cut), default=0) != 2:
        return None
    sides = ("last", "first") if by_name == "last" else ("first", "last")
    return next((side for side in sides if _is_label(cut, side, side == by_name)), None)


def _is_torn(records: list[list[str]], delimiter: str, label: Side) -> bool:
    """Whether blanks stand where a text goes on after a comma, and nowhere else, in nearly all records but a header of two names."""
    if delimiter not in _PROSE_DELIMITERS or not records:
        return False
    torn = [_goes_on_alone(record, label) for record in records]
    below = torn[1:] if len(records[0]) == 2 else torn
    return (torn[0] or len(records[0]) == 2) and sum(below) >= _PROSE_SHARE * len(below)


def _goes_on_alone(record: list[str], label: Side) -> bool:
    start, more = (record[:2], record[2:]) if label == "first" else ([record[0], record[-1]], record[1:-1])
    return (
        bool(more)
        and not any(field.startswith(" ") for field in start)
        and all(field.startswith(" ") for field in more)
    )


def holds_commas(header: list[str], texts: list[list[str]], delimiter: str) -> bool:
    """Whether nearly all texts, cut at the delimiter, go on with a blank after it as after a comma, and the header does not."""
    if delimiter not in _PROSE_DELIMITERS or _goes_on(header):
        return False
    return sum(map(_goes_on, texts)) >= _PROSE_SHARE * len(texts)


def _goes_on(pieces: list[str]) -> bool:
    return any(piece.startswith(" ") for piece in pieces[1:])


def _is_prose(records: list[list[str]], delimiter: str, label: Side) -> bool:
    """Whether the texts below the header of two names hold commas, or are pieces of several words, none of which is a label."""
    texts = [record[1:] if label == "first" else record[:-1] for record in records[1:]]
    if holds_commas(records[0], texts, delimiter):
        return True
    first, last = map(plain_name, records[0])
    answers = {(first, last), (last, first)} & set(GENERATION_PAIRS)
    worded = sum(all(" " in piece.strip() for piece in text) for text in texts)
    columns = map(list, zip(*(text for text in texts if len(text) == len(texts[0])), strict=True))
    return (
        not answers
        and worded >= _PROSE_SHARE * len(texts)
        and not any(_is_label([[piece] for piece in column], "first", False) for column in columns)
    )


def _is_label(records: list[list[str]], side: Side, is_named: bool) -> bool:
    """Whether the fields of that side are a few short values that come again, or numbers where the header calls them the answer."""
    place = 0 if side == "first" else -1
    allowed = _STRAY_SHARE * len(records) + 1
    labels = Counter(record[place].strip() for record in records)
    if is_named and sum(count for label, count in labels.items() if not _NUMBER.fullmatch(label)) <= allowed:
        return True
    missing = labels.pop("", 0)
    kept = [label for label, count in labels.items() if count > 1 and len(label) <= _MAX_LABEL_CHARACTERS]
    odd = len(records) - missing - sum(labels[label] for label in kept)
    # A small sample of many classes has some of them once.
    most_labels, most_odd = (len(records) // 2, len(records) // 4) if is_named else (len(records) // 4, allowed)
    return 2 <= len(kept) <= most_labels and odd <= most_odd and 2 * missing <= len(records)
