"""A header with fewer names than the lines below it have fields: a column without a name, or a text that holds the delimiter?

The API tells alike (``src/services/datasets/short-header.ts``). Not covered: cutting the lines accordingly (``delimiter``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from data_optimizer.parsing.header import has_header
from data_optimizer.parsing.names import GENERATION_PAIRS, LABEL_NAMES, ROLE_ALIASES, is_known_name, plain_name

Side: TypeAlias = Literal["first", "last"]

_NEARLY_ALL = 0.98
#: In prose a blank follows the comma, but in a number.
_PROSE_SHARE = 0.9
_WHOLE_NUMBER = re.compile(r"[0-9]+")
#: What people call a column that numbers the rows: the numbers below such a name are its own.
_NAME_OF_NUMBERS = re.compile(r"(?:.*_)?(?:id|idx|no|nr|num|number|key)|(?:row|i)_index|index|row|#")


def holds_known_names(header: list[str], named: Mapping[str, str | int]) -> bool:
    """Whether these are names that people give to columns, or hold all that the user gives."""
    own = {column for column in named.values() if isinstance(column, str)}
    return all(map(is_known_name, header)) or (bool(own) and own <= set(header))


def is_prose(header: list[str], records: list[list[str]]) -> bool:
    """Whether blanks follow the delimiter in nearly all records, as they follow a comma in prose, and not in the header."""
    blanks = sum(_holds_blanks(record) for record in records)
    return blanks >= _PROSE_SHARE * len(records) and not _holds_blanks(header)


def _holds_blanks(record: list[str]) -> bool:
    return any(field.startswith(" ") for field in record[1:])


def lacks_first_name(header: list[str], second: list[str], records: list[list[str]]) -> bool:
    """Whether nearly all records begin with a whole number of their own that the header has no name for: so R writes row numbers.

    ``second`` is the record right below the header, ``records`` a sample of those below it; all have as many fields, more than it.
    """
    numbers = [record[0].strip() for record in records if _WHOLE_NUMBER.fullmatch(record[0].strip())]
    return (
        not _NAME_OF_NUMBERS.fullmatch(plain_name(header[0]))
        and bool(numbers)
        and bool(_WHOLE_NUMBER.fullmatch(second[0].strip()))
        and len(set(numbers)) >= _NEARLY_ALL * len(records)
        and sum(bool(record[len(header)].strip()) for record in records) >= _NEARLY_ALL * len(records)
        and has_header([["", *header, *[""] * (len(records[0]) - len(header) - 1)], *records])
    )


def label_sides(header: list[str], named: Mapping[str, str | int]) -> tuple[Side, ...]:
    """Where a header of two names lets the label stand: on the side that it names so, else on either."""
    if len(header) != 2:
        return ("first", "last")
    first, last = (_names_output(name, other, named) for name, other in (header, header[::-1]))
    if first == last:
        return ("first", "last")
    return ("first",) if first else ("last",)


def _names_output(name: str, other: str, named: Mapping[str, str | int]) -> bool:
    roles = {ROLE_ALIASES.get(plain_name(role)) for role, column in named.items() if column == name}
    name, other = plain_name(name), plain_name(other)
    return "output" in roles or name in LABEL_NAMES or (other, name) in GENERATION_PAIRS
