"""JSON Lines, and JSON files of one value, to a table. Not covered: where in the one value the rows are (``json_shapes``)."""

from __future__ import annotations

import json
from typing import Any

from data_optimizer.parsing.json_shapes import rows_in
from data_optimizer.parsing.table import BadRow, Table, only_entry, sample_of
from wlops_common.errors import DatasetUnreadable


def looks_like_json(text: str) -> bool:
    """Whether the text begins as JSON rows do."""
    return text.lstrip()[:1] in ("{", "[")


def parse_json(text: str, role: str) -> Table:
    """Rows of JSON Lines or of one JSON value; of several lists by split the one for ``role`` is taken.

    Raises ``DatasetUnreadable`` where most lines are no JSON, or the one value holds no list of rows.
    """
    whole = _whole(text)
    if whole is not None:
        values, note = rows_in(whole, role)
        return _table(list(enumerate(values, 1)), [], "json", [note] if note else [])
    numbered: list[tuple[int, Any]] = []
    bad: list[BadRow] = []
    lines = text.split("\n")
    for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, 1):
        if not line.strip():
            bad.append(BadRow(number, "blank row", ""))
            continue
        try:
            numbered.append((number, json.loads(line)))
        except ValueError as error:
            message = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            bad.append(BadRow(number, f"not JSON: {message}", sample_of(line)))
        except RecursionError:
            bad.append(BadRow(number, "not JSON: nested too deeply", sample_of(line)))
    broken = [row for row in bad if row.reason != "blank row"]
    if len(broken) > len(numbered):
        raise DatasetUnreadable(
            f"{len(broken)} of {len(broken) + len(numbered)} lines are not JSON, first line {broken[0].line}: {broken[0].reason}. "
            "Write one JSON object per line.",
            details={"line": broken[0].line, "sample": broken[0].sample, "reason": broken[0].reason},
        )
    return _table(numbered, bad, "jsonl", [])


def _whole(text: str) -> list[Any] | dict[str, Any] | None:
    """The value when the text is one JSON value over several lines or a list, else None."""
    stripped = text.strip()
    first_line = stripped.partition("\n")[0]
    try:
        if not stripped.startswith("["):
            json.loads(first_line)
            if "\n" in stripped:
                return None
        value = json.loads(stripped)
    except (ValueError, RecursionError):
        if not stripped.startswith("{") or first_line.strip() != "{":
            return None
        try:
            value = json.loads(stripped)
        except (ValueError, RecursionError):
            return None
    if isinstance(value, list) and value and "\n" in stripped and not isinstance(value[0], dict | list):
        return None
    if isinstance(value, list) or (
        isinstance(value, dict) and any(isinstance(entry, list | dict) for entry in value.values())
    ):
        return value
    return None


def _table(numbered: list[tuple[int, Any]], bad: list[BadRow], file_format: str, notes: list[str]) -> Table:
    objects = [(number, value) for number, value in numbered if isinstance(value, dict)]
    pairs = [(number, value) for number, value in numbered if isinstance(value, list)]
    if len(pairs) > len(objects):
        width = max((len(value) for _, value in pairs), default=0)
        table = Table([str(index) for index in range(width)], has_header=False, format=file_format, notes=notes)
        taken = [(number, [*map(only_entry, value)]) for number, value in pairs if len(value) == width]
    else:
        names = list(dict.fromkeys(name for _, value in objects for name in value))
        table = Table(names, has_header=True, format=file_format, notes=notes)
        taken = [(number, [only_entry(value.get(name)) for name in names]) for number, value in objects]
    used = {number for number, _ in taken}
    for number, value in numbered:
        if number not in used:
            bad.append(
                BadRow(
                    number,
                    "a JSON value of another kind than the other rows",
                    sample_of(json.dumps(value, ensure_ascii=False)),
                )
            )
    table.rows = [value for _, value in taken]
    table.lines = [number for number, _ in taken]
    table.bad = sorted(bad, key=lambda row: row.line)
    return table
