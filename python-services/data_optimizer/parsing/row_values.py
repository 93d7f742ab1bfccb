"""From the chosen columns of a table to rows of input and output. A row that has none goes aside with its reason."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from statistics import median
from typing import Any

import polars as pl

from data_optimizer.parsing.columns import ChatColumn, Columns, PairColumns
from data_optimizer.parsing.table import BadRow, Table, sample_of
from wlops_ml.answers import parse_number
from wlops_ml.maths import equation_target, evaluate

#: Rows as read: ``given`` is the input, ``wanted`` the output, ``meta`` the other columns as a JSON object.
READ_SCHEMA = pl.Schema({"given": pl.String, "wanted": pl.String, "line": pl.Int64, "meta": pl.String})

_ROWS_AT_ONCE = 65_536
_MISSING = "not a text or number in the column"
#: What R, pandas, SQL and Excel write where a label is missing. Not "None", which is a label of many data sets.
_NO_LABEL = frozenset({"NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "NULL", "null"})
#: Among labels as short as these (countries, languages) they are labels.
_MAX_CODE_CHARACTERS = 3
_WHOLE_FLOAT = re.compile(r"([-+]?\d+)\.0+")
_POINTLESS_ZEROS = re.compile(r"(?<=\d)\.0+(?!\d)")


def rows_of(table: Table, columns: Columns) -> tuple[pl.DataFrame, list[BadRow]]:
    """The rows, of ``READ_SCHEMA``, and those without input or output."""
    used = {columns.messages} if isinstance(columns, ChatColumn) else {*columns.inputs, columns.output}
    others = [index for index in range(len(table.names)) if index not in used]
    missing = _missing_labels(table, columns)
    parts: list[pl.DataFrame] = []
    values: list[tuple[str, str, int, str]] = []
    bad: list[BadRow] = []
    for line, row in zip(table.lines, table.rows, strict=True):
        taken = (
            _from_messages(row[columns.messages])
            if isinstance(columns, ChatColumn)
            else _from_pair(row, columns, table)
        )
        if not isinstance(taken, str) and taken[1].strip() in missing:
            taken = f"no label: {taken[1].strip()} stands for a missing value"
        if isinstance(taken, str):
            bad.append(BadRow(line, taken, sample_of(row)))
            continue
        meta = {table.names[index]: row[index] for index in others if row[index] is not None and row[index] != ""}
        values.append(
            (*taken, line, json.dumps(meta, ensure_ascii=False, sort_keys=True, default=str) if meta else "{}")
        )
        if len(values) >= _ROWS_AT_ONCE:
            parts.append(pl.DataFrame(values, schema=READ_SCHEMA, orient="row"))
            values = []
    return pl.concat([*parts, pl.DataFrame(values, schema=READ_SCHEMA, orient="row")]), bad


def _missing_labels(table: Table, columns: Columns) -> frozenset[str]:
    """Which of ``_NO_LABEL`` are no labels of this file: those of a CSV that are much rarer than the others, of which there are two."""
    if isinstance(columns, ChatColumn) or columns.task_type != "classification" or table.format not in ("csv", "tsv"):
        return frozenset()
    counts = Counter(str(row[columns.output]).strip() for row in table.rows)
    others = {label: count for label, count in counts.items() if label and label not in _NO_LABEL}
    if len(others) < 2 or max(map(len, others)) <= _MAX_CODE_CHARACTERS:
        return frozenset()
    return frozenset(label for label in counts.keys() & _NO_LABEL if counts[label] < median(others.values()) / 2)


def worked_answer(equation: str, answer: str) -> str:
    """``8-3=5`` and ``#### 5`` on the next line where a side of the equation gives the answer, else the answer as it is.

    The equation may be an expression alone, or name an unknown (``X = ( 8.0 - 3.0 )``).
    """
    stated = parse_number(answer)
    number = _POINTLESS_ZEROS.sub("", answer.strip())
    for side in equation.split("=") if stated is not None else ():
        expression = _POINTLESS_ZEROS.sub("", "".join(side.split()))
        worked = f"{expression}={number}\n#### {number}"
        if evaluate(expression) == stated and equation_target(worked) is not None:
            return worked
    return answer


def _from_pair(row: list[Any], columns: PairColumns, table: Table) -> tuple[str, str] | str:
    """Input and output, or the reason why this row has none."""
    inputs = []
    for index in columns.inputs:
        text = as_text(row[index])
        if text is None:
            return f"{_MISSING} {table.names[index]!r}"
        inputs.append(text)
    output = as_text(row[columns.output])
    if output is None:
        return f"{_MISSING} {table.names[columns.output]!r}"
    if columns.task_type == "classification" and (whole := _WHOLE_FLOAT.fullmatch(output.strip())):
        output = whole[1]  # As pandas writes whole numbers where one is missing.
    if columns.equation is not None:
        output = worked_answer(as_text(row[columns.equation]) or "", output)
    return " ".join(text for text in inputs if text.strip()), output


def as_text(value: Any) -> str | None:
    """A value as a row holds it: text and numbers as text, nothing as ``""``; None for lists and objects."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isnan(value):
        return ""
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
