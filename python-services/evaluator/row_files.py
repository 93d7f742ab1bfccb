"""Reading the rows of a split role: the whole table, or only its first rows where a sample is enough.

Not here: the columns, which ``wlops_ml.rows`` defines.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from wlops_common.contracts import RowsRef, TaskType
from wlops_common.errors import DatasetEmpty, DatasetUnreadable
from wlops_common.job_context import JobContext
from wlops_ml.rows import from_parquet, schema

#: Rows of a large file that are in memory at a time.
BATCH_ROWS = 65_536


def read_table(context: JobContext, ref: RowsRef, task_type: TaskType, role: str) -> pl.DataFrame:
    """All rows of a role.

    Raises ``DatasetEmpty`` when there are none and ``DatasetUnreadable`` when the file does not hold rows of the task type.
    """
    path = _fetched(context, ref, role)
    try:
        table = from_parquet(path)
    except ValueError as error:
        raise DatasetUnreadable(f"The {role} rows cannot be read: {error}", details={"key": ref.key}) from error
    if not set(schema(task_type)) <= set(table.columns):
        message = f"The {role} rows are not {task_type} rows: their columns are {', '.join(table.columns)}."
        raise DatasetUnreadable(message, details={"key": ref.key})
    if table.is_empty():
        raise DatasetEmpty(f"There are no {role} rows to score.", details={"key": ref.key})
    return table


def read_head(context: JobContext, ref: RowsRef, columns: list[str], rows: int, role: str) -> list[dict[str, object]]:
    """The first ``rows`` rows of a role with only some columns. Memory is bounded by what is returned.

    Raises ``DatasetUnreadable`` when the file is not Parquet or lacks a column.
    """
    found: list[dict[str, object]] = []
    for batch in read_batches(context, ref, columns, role, batch_rows=8192):
        found += batch.to_dicts()
        if len(found) >= rows:
            break
    return found[:rows]


def read_batches(
    context: JobContext, ref: RowsRef, columns: list[str], role: str, *, batch_rows: int = BATCH_ROWS
) -> Iterator[pl.DataFrame]:
    """All rows of a role with only some columns, a batch at a time.

    Raises ``DatasetUnreadable`` when the file is not Parquet or lacks a column.
    """
    try:
        with pq.ParquetFile(_fetched(context, ref, role)) as file:
            for batch in file.iter_batches(batch_size=batch_rows, columns=columns):
                yield pl.DataFrame(pl.from_arrow(batch.select(columns)))
    except (ValueError, KeyError, OSError) as error:
        raise DatasetUnreadable(f"The {role} rows cannot be read: {error}", details={"key": ref.key}) from error


def _fetched(context: JobContext, ref: RowsRef, role: str) -> Path:
    """The file of a role in the job's folder, fetched once."""
    path = context.work_dir / f"{role}-{ref.sha256[:16]}.parquet"
    if not path.is_file():
        context.store.download(ref, path)
    return path
