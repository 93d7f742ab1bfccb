"""Whether the first record of a file names its columns. Judged by the names people give, else by what sets it apart from the rest.

The API applies the same rule to the beginning of an upload, to count its records; ``src/contracts/examples/headers.json`` holds both
to it.
"""

from __future__ import annotations

import re

from data_optimizer.parsing.names import is_known_name

#: From the top, not spread over the file: an upload is judged while it passes by, and in a file sorted by class the first record's
#: own class stands here.
SAMPLE_ROWS = 500
_NUMBER = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)?")
_MAX_NAME_CHARACTERS = 60
#: A longer cell beside a known name is a text, and the known name a label that happens to be called so (`date`, `text`).
_MAX_NAME_WORDS = 6


def has_header(records: list[list[str]]) -> bool:
    """True when the first record is a header. All records have as many fields as it.

    In this order: a header's names are given once each, short, and no numbers; one known name that does not come again below it
    makes a header; so does differing from every column below that shows a pattern, one at least.
    """
    if len(records) < 2:
        return bool(records) and all(is_known_name(field) for field in records[0])
    first = [field.strip() for field in records[0]]
    columns = list(zip(*(map(str.strip, record) for record in records[1 : SAMPLE_ROWS + 1]), strict=True))
    filled = [name.lower() for name in first if name]
    if not filled or len(set(filled)) < len(filled) or any(len(name) > _MAX_NAME_CHARACTERS for name in filled):
        return False
    if any(_NUMBER.fullmatch(name) for name in filled):
        return False
    known = any(is_known_name(name) and name not in column for name, column in zip(first, columns, strict=True))
    if known and all(len(name.split()) <= _MAX_NAME_WORDS for name in filled):
        return True
    return _stands_apart(first, columns)


def _stands_apart(first: list[str], columns: list[tuple[str, ...]]) -> bool:
    """Whether the first record differs from what is below it in every column that shows a pattern, and there is one."""
    verdicts = [_differs(name, column) for name, column in zip(first, columns, strict=True)]
    return any(verdict is True for verdict in verdicts) and not any(verdict is False for verdict in verdicts)


def _differs(name: str, column: tuple[str, ...]) -> bool | None:
    """True where the name breaks the column's pattern, False where it fits, None where the column has none."""
    filled = [value for value in column if value]
    if not filled:
        return None
    if all(_NUMBER.fullmatch(value) for value in filled):
        return True
    distinct = set(filled)
    if len(filled) >= 10 and len(distinct) <= len(filled) // 3:
        return name not in distinct
    words = sorted(len(value.split()) for value in filled)[len(filled) // 2]
    if words >= 4:
        return len(name.split()) == 1 and name.replace("_", "").replace("-", "").isalnum()
    return None
