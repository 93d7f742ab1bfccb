"""Which columns the task is about, as far as somebody said so: the user by name, or the training file for the files beside it.

Not covered: finding them out (``detection``), reading their values (``row_values``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from data_optimizer.parsing import names
from data_optimizer.parsing.column_roles import roles_fault
from data_optimizer.parsing.names import plain_name
from data_optimizer.parsing.table import Table, sample_of
from wlops_common.errors import DatasetColumnsUnknown
from wlops_ml.rows import TaskType


@dataclass(frozen=True)
class PairColumns:
    """Input and output in columns of their own. ``inputs`` are joined in order; ``equation`` holds how a word problem is solved."""

    task_type: TaskType
    inputs: tuple[int, ...]
    output: int
    equation: int | None = None

    def describe(self, table: Table) -> dict[str, Any]:
        """The choice by column names, for the log."""
        described: dict[str, Any] = {
            "input": [table.names[index] for index in self.inputs],
            "output": table.names[self.output],
        }
        return described if self.equation is None else {**described, "equation": table.names[self.equation]}


@dataclass(frozen=True)
class ChatColumn:
    """One column of chat turns, which hold input and output."""

    messages: int
    task_type: TaskType = "generation"

    def describe(self, table: Table) -> dict[str, Any]:
        """The choice by column name, for the log."""
        return {"messages": table.names[self.messages]}


Columns: TypeAlias = PairColumns | ChatColumn


def columns_like(columns: Columns, training: Table, table: Table) -> Columns | None:
    """The columns of the training file in another file: by name where both have a header, else by position; None if they are missing."""
    by_name = training.has_header and table.has_header
    if not by_name and len(table.names) != len(training.names):
        return None
    place = {plain_name(name): index for index, name in reversed(list(enumerate(table.names)))}

    def there(index: int) -> int | None:
        return place.get(plain_name(training.names[index])) if by_name else index

    if isinstance(columns, ChatColumn):
        messages = there(columns.messages)
        return None if messages is None else replace(columns, messages=messages)
    inputs = [found for index in columns.inputs if (found := there(index)) is not None]
    output = there(columns.output)
    if output is None or len(inputs) < len(columns.inputs):
        return None
    return PairColumns(
        columns.task_type, tuple(inputs), output, None if columns.equation is None else there(columns.equation)
    )


def columns_named(table: Table, task_type: TaskType | None, given: Mapping[str, str | int]) -> Columns:
    """The columns that the user named. Raises ``DatasetColumnsUnknown`` saying which name or number does not fit."""
    fault = roles_fault(given)
    if fault is not None:
        raise unknown_columns(table, f"`columns` {fault}")
    role_of = {names.ROLE_ALIASES[plain_name(role)]: _index(table, role, column) for role, column in given.items()}
    twice = next((index for index, count in Counter(role_of.values()).items() if count > 1), None)
    if twice is not None:
        problem = f"`columns` gives the column {table.names[twice]!r} to two roles; each needs a column of its own"
        raise unknown_columns(table, problem)
    if "messages" in role_of:
        return ChatColumn(role_of["messages"])
    if "input" not in role_of:
        role_of["input"] = role_of.pop("context")
    is_label = any(plain_name(role) in names.CLASSIFICATION_ROLES for role in given)
    inputs = (role_of["input"], role_of["context"]) if "context" in role_of else (role_of["input"],)
    return PairColumns(task_type or ("classification" if is_label else "generation"), inputs, role_of["output"])


def unknown_columns(table: Table, problem: str) -> DatasetColumnsUnknown:
    """The error that shows what columns there are and how to name them."""
    shown = ", ".join(name or "(no name)" for name in table.names[:20]) or "none"
    numbers = "" if table.has_header else " (numbers, since no row names them)"
    remedy = "An input and an output are needed, each a column of its own"
    if len(table.names) > 1:
        first, second = _example(table)
        example = json.dumps({"text": first, "label": second}, ensure_ascii=False)
        remedy = f"Name them with `columns`, for example {example}"
    return DatasetColumnsUnknown(
        f"{problem}. Columns of the file: {shown}{numbers}. {remedy}.",
        details={
            "columns": table.names[:50],
            "header": table.has_header,
            "line": table.lines[0] if table.lines else 1,
            "sample": sample_of(table.rows[0]) if table.rows else "",
        },
    )


def _example(table: Table) -> tuple[str | int, str | int]:
    """An input and an output to name, as an example: by the usual names where the header has some."""
    columns: list[str | int] = [name or number for number, name in enumerate(table.names)]
    if not table.has_header or len(set(columns)) < len(columns):
        return 0, 1
    outputs = [column for column in columns if plain_name(str(column)) in names.LABEL_NAMES]
    output = outputs[0] if outputs else columns[1]
    others = [column for column in columns if column != output]
    inputs = [column for column in others if plain_name(str(column)) in names.TEXT_NAMES]
    return (inputs or others)[0], output


def _index(table: Table, role: str, column: str | int) -> int:
    if isinstance(column, int):
        if 0 <= column < len(table.names):
            return column
        last = len(table.names) - 1
        raise unknown_columns(table, f"`columns.{role}` is {column}, but the file has the columns 0 to {last}")
    if column in table.names:
        return table.names.index(column)
    alike = [index for index, name in enumerate(table.names) if plain_name(name) == plain_name(column)]
    if len(alike) == 1:
        return alike[0]
    raise unknown_columns(table, f"`columns.{role}` is {column!r}, which is not a column of the file")
