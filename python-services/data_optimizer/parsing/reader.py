"""A file as uploaded to rows of input and output, with everything that could not be used set aside with its line and reason."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from data_optimizer.parsing.columns import Columns, detect_columns
from data_optimizer.parsing.delimited import parse_delimited
from data_optimizer.parsing.header import has_header
from data_optimizer.parsing.json_rows import looks_like_json, parse_json
from data_optimizer.parsing.source_text import decode, is_parquet, read_bytes
from data_optimizer.parsing.table import BadRow, Table, sample_of
from wlops_common.errors import DatasetEmpty, DatasetUnreadable
from wlops_ml.rows import TaskType

FileFormat = Literal["csv", "tsv", "jsonl", "parquet"]
FileRole = Literal["training", "validation", "test", "pool"]

#: Rows as read: ``given`` is the input, ``wanted`` the output, ``meta`` the other columns as a JSON object.
READ_SCHEMA = pl.Schema({"given": pl.String, "wanted": pl.String, "line": pl.Int64, "meta": pl.String})

_MISSING = "not a text or number in the column"


@dataclass(frozen=True)
class ReadDataset:
    """What one file held. ``rows_in_file`` counts every row, the bad ones too."""

    rows: pl.DataFrame
    bad: list[BadRow]
    task_type: TaskType
    rows_in_file: int
    facts: dict[str, Any]
    #: The columns by name or number, to read the other files of the task alike.
    chosen: dict[str, str | int]


def read_dataset(
    path: Path,
    *,
    role: FileRole = "training",
    file_format: FileFormat | None = None,
    columns: Mapping[str, str | int] | None = None,
    task_type: TaskType | None = None,
    like: ReadDataset | None = None,
) -> ReadDataset:
    """Read a file. ``like`` is the task's training file, whose columns are taken where this file has them too.

    Raises ``DatasetUnreadable``, ``DatasetEmpty`` or ``DatasetColumnsUnknown``, each saying where and what to do.
    """
    data, notes = read_bytes(path)
    table = _table(data, file_format, role)
    table.notes[:0] = notes
    if not table.rows:
        first = table.bad[0] if table.bad else BadRow(1, "nothing but a header", "")
        raise DatasetEmpty(
            f"The file holds no usable row; the first one at line {first.line}: {first.reason}.",
            details={"line": first.line, "sample": first.sample, "badRows": len(table.bad)},
        )
    if columns is None and like is not None and _has_columns(table, like.chosen):
        columns, task_type = like.chosen, like.task_type
    found = detect_columns(table, task_type, columns)
    rows, bad = _extract(table, found)
    facts = {
        "format": table.format,
        "header": table.has_header,
        "columns": found.describe(table),
        "notes": table.notes,
    }
    all_bad = sorted([*table.bad, *bad], key=lambda row: row.line)
    return ReadDataset(rows, all_bad, found.task_type, rows.height + len(all_bad), facts, _choice(table, found))


def _table(data: bytes, file_format: FileFormat | None, role: FileRole) -> Table:
    if is_parquet(data) or file_format == "parquet":
        return _parquet(data)
    text, notes = decode(data)
    if file_format == "jsonl" or (file_format is None and looks_like_json(text)):
        table = parse_json(text, role)
    else:
        table = _delimited(text, file_format)
    table.notes[:0] = notes
    return table


def _parquet(data: bytes) -> Table:
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DatasetUnreadable(
            f"The Parquet file cannot be read ({error}). Write it again.", details={"line": 1}
        ) from error
    return Table(
        frame.columns, True, "parquet", [list(row) for row in frame.iter_rows()], list(range(1, frame.height + 1))
    )


def _delimited(text: str, file_format: FileFormat | None) -> Table:
    records = parse_delimited(text, "\t" if file_format == "tsv" else None)
    width = len(records.fields[0]) if records.fields else 0
    headed = has_header(records.fields)
    table = Table(
        [name.strip() for name in records.fields[0]] if headed else [str(index) for index in range(width)],
        headed,
        "tsv" if records.delimiter == "\t" else "csv",
        [*records.fields[headed:]],
        records.lines[headed:],
        records.bad,
        [f"delimiter {records.delimiter!r}"],
    )
    if len(table.bad) > len(table.rows) and table.rows:
        first = next((row for row in table.bad if row.reason != "blank row"), None)
        if first is not None and sum(row.reason != "blank row" for row in table.bad) > len(table.rows):
            raise DatasetUnreadable(
                f"Most rows do not have the same number of fields; the first at line {first.line}: {first.reason}. "
                "Quote fields that hold the delimiter.",
                details={"line": first.line, "sample": first.sample, "delimiter": records.delimiter},
            )
    return table


def _has_columns(table: Table, chosen: Mapping[str, str | int]) -> bool:
    return all(
        (column in table.names) if isinstance(column, str) else (not table.has_header and column < len(table.names))
        for column in chosen.values()
    )


def _choice(table: Table, columns: Columns) -> dict[str, str | int]:
    """The choice as a ``columns`` mapping that finds the same columns in a file like this one."""

    def reference(index: int) -> str | int:
        return table.names[index] if table.has_header else index

    if columns.messages is not None:
        return {"messages": reference(columns.messages)}
    names = ("text", "label") if columns.task_type == "classification" else ("prompt", "completion")
    chosen = {names[0]: reference(columns.inputs[0]), names[1]: reference(columns.output or 0)}
    if len(columns.inputs) == 2:
        chosen["context"] = reference(columns.inputs[1])
    return chosen


def _extract(table: Table, columns: Columns) -> tuple[pl.DataFrame, list[BadRow]]:
    used = {*columns.inputs, columns.output, columns.messages}
    others = [index for index in range(len(table.names)) if index not in used]
    values: list[tuple[str, str, int, str]] = []
    bad: list[BadRow] = []
    for line, row in zip(table.lines, table.rows, strict=True):
        taken = (
            _from_messages(row[columns.messages])
            if columns.messages is not None
            else _from_columns(row, columns, table)
        )
        if isinstance(taken, str):
            bad.append(BadRow(line, taken, sample_of(row)))
            continue
        meta = {table.names[index]: row[index] for index in others if row[index] is not None and row[index] != ""}
        values.append(
            (*taken, line, json.dumps(meta, ensure_ascii=False, sort_keys=True, default=str) if meta else "{}")
        )
    return pl.DataFrame(values, schema=READ_SCHEMA, orient="row"), bad


def _from_columns(row: list[Any], columns: Columns, table: Table) -> tuple[str, str] | str:
    """Input and output, or the reason why this row has none."""
    inputs = []
    for index in columns.inputs:
        text = _as_text(row[index])
        if text is None:
            return f"{_MISSING} {table.names[index]!r}"
        inputs.append(text)
    output = _as_text(row[columns.output or 0])
    if output is None:
        return f"{_MISSING} {table.names[columns.output or 0]!r}"
    return " ".join(text for text in inputs if text.strip()), output


def _as_text(value: Any) -> str | None:
    """Text and numbers as text, nothing as ``""``; None for lists and objects."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if not value.isascii() else value
    return str(value) if isinstance(value, int | float) else None


def _from_messages(value: Any) -> tuple[str, str] | str:
    """The turns before the last answer as the prompt, the last answer as the completion."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return "messages are not a JSON list"
    if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
        return "messages are not a list of turns"
    turns = [(str(turn.get("role", turn.get("from", ""))), turn.get("content", turn.get("value"))) for turn in value]
    if not all(isinstance(content, str) for _, content in turns):
        return "a message without text content"
    if len(turns) < 2 or turns[-1][0] not in ("assistant", "gpt", "model"):
        return "the last message is not the assistant's"
    return "\n".join(str(content) for _, content in turns[:-1]), str(turns[-1][1])
