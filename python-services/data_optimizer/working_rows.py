"""The optimizer's own table of rows, alike for both task types, and the way to and from the row files.

``given`` is what the model reads, ``wanted`` what it should produce; ``file`` is the user's file and ``role`` the place in the split.
``key`` is a hash of the form in which inputs are compared, good within one job only; ``numbers`` are those of the input, as one text.
"""

from __future__ import annotations

import polars as pl

from wlops_common.contracts import TaskType
from wlops_ml import rows as row_files
from wlops_ml.answers import final_answer
from wlops_ml.maths import equation_target
from wlops_ml.text_columns import key_hashes, number_texts

SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "given": pl.String,
        "wanted": pl.String,
        "key": pl.UInt64,
        "numbers": pl.String,
        "group": pl.String,
        "source": pl.String,
        "file": pl.String,
        "role": pl.String,
        "line": pl.Int64,
        "meta": pl.String,
    }
)


_MAX_FEW = 60_000
#: Ascending, so that rows sort by these as by their names.
FILE = pl.Enum(["pool", "test", "training", "validation"])
_FEW_VALUES = {
    "file": FILE,
    "role": pl.Enum(["mine", "pool", "select", "test", "train"]),
    "source": pl.Enum(["original"]),
}


def with_keys(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``key`` and ``numbers``."""
    return rows.with_columns(key_hashes(rows["given"]).alias("key"), number_texts(rows["given"]).alias("numbers"))


def compact(rows: pl.DataFrame, task_type: TaskType) -> pl.DataFrame:
    """The rows with what has few values as numbers, for the steps of the first iteration, which work on all rows of the files.

    Columns hold what they held; ``to_row_file`` and the journal take them as they are.
    """
    few: dict[str, pl.DataType | type[pl.DataType]] = {**_FEW_VALUES, "line": pl.UInt32}
    for name in ("wanted", "meta", "numbers") if task_type == "classification" else ("meta",):
        values = rows[name].unique()
        if len(values) <= _MAX_FEW:
            few[name] = pl.Enum(values.sort())
    return rows.cast(few)  # type: ignore[arg-type]


def in_file_order(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by file, line and id; the same table where they are so already, since sorting copies it."""
    lines = rows["line"]
    if rows["file"].n_unique() <= 1 and lines.null_count() == 0 and (lines.diff().drop_nulls() > 0).all():
        return rows
    return rows.sort("file", "line", "id", nulls_last=True)


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
