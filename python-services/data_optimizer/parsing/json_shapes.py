"""The rows inside one JSON value: a list of them, a list per split, or columns, in the ways that people and pandas write tables.

Not covered: JSON Lines and turning rows into a table (``json_rows``).
"""

from __future__ import annotations

from typing import Any

from data_optimizer.parsing.names import MESSAGES_NAMES, plain_name
from wlops_common.errors import DatasetUnreadable

_SPLIT_NAMES = {
    "training": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev"),
    "test": ("test", "testing", "eval"),
    "pool": ("pool", "unlabeled", "unlabelled"),
}
_LIST_NAMES = ("data", "rows", "examples", "items", "records", "instances")


def rows_in(value: list[Any] | dict[str, Any], role: str) -> tuple[list[Any], str | None]:
    """The rows of a JSON value for a role, and a note on where they were found. A lone object is one row.

    Raises ``DatasetUnreadable`` where there are several lists and none is the role's.
    """
    if isinstance(value, list):
        return value, None
    table = _table_in(value)
    if table is not None:
        return table, "took columns for rows"
    parts = {name: rows for name, entry in value.items() if (rows := _part(name, entry)) is not None}
    for name in (*_SPLIT_NAMES[role], *_LIST_NAMES):
        if name in parts:
            return parts[name], f"took the list {name!r} of {', '.join(map(repr, parts))}"
    if len(parts) == 1:
        name, rows = next(iter(parts.items()))
        return rows, f"took the list {name!r}"
    if not parts:
        return [value], None
    raise DatasetUnreadable(
        f"The JSON object holds the lists {', '.join(map(repr, parts))}; none is named after the {role} data. Upload one list per file.",
        details={"line": 1, "lists": list(parts)},
    )


def _part(name: str, entry: Any) -> list[Any] | None:
    """The rows under one name of an object, if rows stand there."""
    if isinstance(entry, dict):
        return _table_in(entry)
    is_rows = isinstance(entry, list) and bool(entry) and isinstance(entry[0], dict | list)
    return entry if is_rows and plain_name(name) not in MESSAGES_NAMES else None


def _table_in(value: dict[str, Any]) -> list[Any] | None:
    """The rows of an object that is a table: pandas' ``split``, ``list``, ``columns`` and ``index`` forms; else None."""
    names, data = value.get("columns"), value.get("data")
    if isinstance(names, list) and isinstance(data, list) and all(isinstance(name, str) for name in names):
        return [dict(zip(names, row, strict=False)) if isinstance(row, list) else row for row in data]
    entries = list(value.values())
    if len(entries) >= 2 and all(isinstance(entry, list) for entry in entries):
        return _from_lists(value)
    if entries and all(isinstance(entry, dict) and entry for entry in entries):
        return _from_objects(value)
    return None


def _from_lists(columns: dict[str, list[Any]]) -> list[Any] | None:
    """``{"text": ["a", "b"], "label": [0, 1]}``: lists of one length, of values that are no rows themselves."""
    lengths = {len(column) for column in columns.values()}
    scalars = sum(not isinstance(column[0], dict | list) for column in columns.values() if column)
    if len(lengths) != 1 or not scalars:
        return None
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _from_objects(value: dict[str, dict[str, Any]]) -> list[Any] | None:
    """``{"text": {"0": "a"}, …}`` by columns, or ``{"0": {"text": "a"}, …}`` by rows."""
    inner = next(iter(value.values()))
    if all(isinstance(cell, dict | list) for cell in inner.values()):
        return None
    if all(key.isdecimal() for key in value) and not all(key.isdecimal() for key in inner):
        return list(value.values())
    if len(value) >= 2 and all(entry.keys() == inner.keys() for entry in value.values()):
        by_columns = all(key.isdecimal() for key in inner) or len(inner) > len(value)
        return [{name: value[name][key] for name in value} for key in inner] if by_columns else list(value.values())
    return None
