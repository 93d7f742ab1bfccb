"""The optimizer's own table of rows, alike for both task types, and the way to and from the row files.

``given`` is what the model reads, ``wanted`` what it should produce; ``file`` is the user's file and ``role`` the place in the split.
"""

from __future__ import annotations

import polars as pl

from wlops_common.contracts import TaskType
from wlops_ml import rows as row_files
from wlops_ml.answers import final_answer
from wlops_ml.maths import equation_target
from wlops_ml.text import match_key, numbers

SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "given": pl.String,
        "wanted": pl.String,
        "key": pl.String,
        "numbers": pl.String,
        "group": pl.String,
        "source": pl.String,
        "file": pl.String,
        "role": pl.String,
        "line": pl.Int64,
        "meta": pl.String,
    }
)


def with_keys(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``key`` (the form in which inputs are compared) and ``numbers`` (those of the input, as one text)."""
    given = rows["given"].to_list()
    return rows.with_columns(
        pl.Series("key", [match_key(text) for text in given], dtype=pl.String),
        pl.Series("numbers", [" ".join(numbers(text)) for text in given], dtype=pl.String),
    )


def to_row_file(rows: pl.DataFrame, task_type: TaskType, *, with_targets: bool) -> pl.DataFrame:
    """The rows as they are written to a row file, with ``answer`` and, if asked, ``target`` for generation."""
    table = rows.rename({"given": row_files.input_column(task_type), "wanted": row_files.output_column(task_type)})
    if task_type == "generation":
        completions = rows["wanted"].to_list()
        targets = [equation_target(text) for text in completions] if with_targets else [None] * rows.height
        table = table.with_columns(
            pl.Series("answer", [final_answer(text) for text in completions], dtype=pl.String),
            pl.Series("target", targets, dtype=pl.String),
        )
    return table.select(list(row_files.schema(task_type)))


def from_row_file(table: pl.DataFrame, *, file: str, role: str) -> pl.DataFrame:
    """The inverse of ``to_row_file``."""
    task_type = row_files.task_type_of(table)
    renamed = table.rename({row_files.input_column(task_type): "given", row_files.output_column(task_type): "wanted"})
    marked = renamed.with_columns(pl.lit(file).alias("file"), pl.lit(role).alias("role"))
    return with_keys(marked).select(list(SCHEMA))
