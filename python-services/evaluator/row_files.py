"""Reading the rows of a split role: the whole table, or only its first rows where a sample is enough.

Not here: the columns, which ``wlops_ml.rows`` defines.
"""

from __future__ import annotations

import polars as pl
import pyarrow.parquet as pq

from wlops_common.contracts import RowsRef, TaskType
from wlops_common.errors import DatasetEmpty, DatasetUnreadable
from wlops_common.job_context import JobContext
from wlops_ml.rows import from_parquet, schema


def read_table(context: JobContext, ref: RowsRef, task_type: TaskType, role: str) -> pl.DataFrame:
    """All rows of a role.

    Raises ``DatasetEmpty`` when there are none and ``DatasetUnreadable`` when the file does not hold rows of the task type.
    """
    path = context.work_dir / f"{role}.parquet"
    context.store.download(ref, path)
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
    path = context.work_dir / f"{role}.parquet"
    context.store.download(ref, path)
    found: list[dict[str, object]] = []
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=8192, columns=columns):
                found += batch.select(columns).to_pylist()
                if len(found) >= rows:
                    break
    except (ValueError, KeyError, OSError) as error:
        raise DatasetUnreadable(f"The {role} rows cannot be read: {error}", details={"key": ref.key}) from error
    return found[:rows]
