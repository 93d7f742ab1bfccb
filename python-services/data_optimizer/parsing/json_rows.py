"""JSON Lines, and JSON files of one value, to a table. Not covered: where in the one value the rows are (``json_shapes``)."""

from __future__ import annotations

import array
import json
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from data_optimizer.parsing.json_shapes import rows_in
from data_optimizer.parsing.lines import lines_of
from data_optimizer.parsing.stored_rows import StoredRows
from data_optimizer.parsing.table import BadRow, Table, only_entry, sample_of
from wlops_common.errors import DatasetUnreadable

#: Enough to see how a text begins.
_HEAD_BYTES = 65_536


def looks_like_json(text: bytes) -> bool:
    """Whether the text begins as JSON rows do."""
    head = text[:_HEAD_BYTES].decode(errors="ignore").lstrip() or text.decode().lstrip()
    return head[:1] in ("{", "[")


def parse_json(text: bytes, role: str) -> Table:
    """Rows of JSON Lines or of one JSON value, in UTF-8; of several lists by split the one for ``role`` is taken.

    One value is read whole, lines one after another.

    Raises ``DatasetUnreadable`` where most lines are no JSON, or the one value holds no list of rows.
    """
    whole = _whole(text)
    if whole is not None:
        values, note = rows_in(whole, role)
        return _table([(number, value) for number, value in enumerate(values, 1)], [], "json", [note] if note else [])
    numbered = StoredRows()
    bad: list[BadRow] = []
    lines = lines_of(text)
    last = len(lines) - 1 if lines[-1] == "" else len(lines)
    for number, line in enumerate(islice(lines, last), 1):
        if not line.strip():
            bad.append(BadRow(number, "blank row", ""))
            continue
        try:
            numbered.append([number, json.loads(line)])
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


def _whole(text: bytes) -> list[Any] | dict[str, Any] | None:
    """The value when the text is one JSON value over several lines or a list, else None."""
    if not text[:_HEAD_BYTES].lstrip().startswith(b"[") and _is_value_and_more(text):
        return None
    stripped = text.decode().strip()
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


def _is_value_and_more(text: bytes) -> bool:
    """Whether the first line is a JSON value by itself and others follow: then the text is JSON Lines and need not be decoded at once."""
    start = len(text) - len(text.lstrip())
    end = text.find(b"\n", start)
    try:
        json.loads(text[start : end if end >= 0 else len(text)].decode())
    except (ValueError, RecursionError):
        return False
    return end >= 0 and bool(text[end : end + _HEAD_BYTES].decode(errors="ignore").strip())


def _table(numbered: Iterable[Sequence[Any]], bad: list[BadRow], file_format: str, notes: list[str]) -> Table:
    """``numbered``: number and value of each row; gone through twice."""
    names: dict[str, None] = {}
    objects = pairs = width = 0
    for _, value in numbered:
        if isinstance(value, dict):
            objects += 1
            names.update(dict.fromkeys(value))
        elif isinstance(value, list):
            pairs += 1
            width = max(width, len(value))
    has_names = objects >= pairs
    columns = [*names] if has_names else [str(index) for index in range(width)]
    rows, lines = StoredRows(), array.array("q")
    for number, value in numbered:
        if has_names and isinstance(value, dict):
            rows.append([only_entry(value.get(name)) for name in columns])
        elif not has_names and isinstance(value, list) and len(value) == width:
            rows.append([*map(only_entry, value)])
        else:
            sample = sample_of(json.dumps(value, ensure_ascii=False))
            bad.append(BadRow(number, "a JSON value of another kind than the other rows", sample))
            continue
        lines.append(number)
    return Table(columns, has_names, file_format, rows, lines, sorted(bad, key=lambda row: row.line), notes)
