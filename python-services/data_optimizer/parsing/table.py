"""What every parser makes: a table of values as they stand in the file, and the rows that could not be read, with their reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SAMPLE_CHARACTERS = 200


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used. ``line`` counts from 1; ``sample`` is its beginning, for the person who mends the file."""

    line: int
    reason: str
    sample: str


@dataclass
class Table:
    """Rows of one file. ``names`` are the header's, or ``0``, ``1``, … where there is none; ``lines`` is where each row starts."""

    names: list[str]
    has_header: bool
    format: str
    rows: Sequence[list[Any]] = ()
    lines: Sequence[int] = ()
    bad: list[BadRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sample_of(value: object) -> str:
    """The beginning of a row for people: short, on one line."""
    text = value if isinstance(value, str) else repr(value)
    return " ".join(text[: SAMPLE_CHARACTERS * 2].split())[:SAMPLE_CHARACTERS]


def only_entry(value: Any) -> Any:
    """The text or number in a list of just that, as some files wrap answers and labels (``[5.0]``); any other value as it is."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str | int | float):
        return value[0]
    return value
