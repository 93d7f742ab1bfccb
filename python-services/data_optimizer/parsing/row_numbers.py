"""A first column that numbers the rows and that the header has no name for: so R writes its row names.

The API tells alike (``src/services/datasets/row-numbers.ts``). Not covered: what such a column is good for (nothing: ``detection``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from data_optimizer.parsing.header import has_header
from data_optimizer.parsing.names import (
    CLASSIFICATION_ROLES,
    LABEL_NAMES,
    OTHER_NAMES,
    ROLE_ALIASES,
    TEXT_NAMES,
    plain_name,
)

_NEARLY_ALL = 0.98
_WHOLE_NUMBER = re.compile(r"[0-9]+")
#: What people call a column that numbers the rows: the numbers below such a name are its own.
_NAME_OF_NUMBERS = re.compile(r"(?:.*_)?(?:id|idx|no|nr|num|number|key)|#|row")


def lacks_first_name(header: list[str], records: list[list[str]], named: Mapping[str, str | int]) -> bool:
    """Whether the records begin with whole numbers, nearly each its own, above which a name is missing, and not after them.

    ``records`` are those right below the header, all with as many fields, one more than it at least; ``named`` the user's columns.
    """
    numbers = [number for record in records if _WHOLE_NUMBER.fullmatch(number := record[0].strip())]
    columns = [[record[place].strip() for record in records] for place in range(len(header) + 1)]
    return (
        bool(records)
        and bool(_WHOLE_NUMBER.fullmatch(records[0][0].strip()))
        and len(set(numbers)) >= _NEARLY_ALL * len(records)
        and sum(map(bool, columns[-1])) >= _NEARLY_ALL * len(records)
        and plain_name(header[0]) not in OTHER_NAMES
        and not _NAME_OF_NUMBERS.fullmatch(plain_name(header[0]))
        and _misnamed(header, columns[1:], named) <= _misnamed(header, columns[:-1], named)
        and has_header([["", *header, *[""] * (len(records[0]) - len(header) - 1)], *records])
    )


def _misnamed(header: list[str], columns: list[list[str]], named: Mapping[str, str | int]) -> int:
    """How many columns are not what they are called: a text that is a number or one of a few words, a label of many values."""
    roles = {plain_name(str(column)): plain_name(role) for role, column in named.items()}
    faults = 0
    for name, column in zip(map(plain_name, header), columns, strict=True):
        few = len(set(column)) <= max(2, len(column) // 3)
        words = sum(" " not in value for value in column) > len(column) // 2
        numbers = all(map(_WHOLE_NUMBER.fullmatch, column))
        role = roles.get(name, "")
        is_text = name in TEXT_NAMES or ROLE_ALIASES.get(role) == "input"
        is_label = name in LABEL_NAMES or (ROLE_ALIASES.get(role) == "output" and role in CLASSIFICATION_ROLES)
        faults += (is_text and (numbers or (few and words))) or (is_label and not few)
    return faults
