"""Rows from the bucket to dicts that a learner takes. Not here: tokenising, which is the learner's business."""

from __future__ import annotations

from typing import Any

from wlops_common.contracts import RowsRef, TaskType
from wlops_common.errors import DatasetEmpty, DatasetUnreadable
from wlops_common.job_context import JobContext
from wlops_ml.rows import from_parquet, input_column, iterate, output_column, task_type_of

Row = dict[str, Any]


def read_rows(context: JobContext, ref: RowsRef, task_type: TaskType, role: str) -> list[Row]:
    """The rows of one role that have both input and output, in file order.

    Raises:
        DatasetUnreadable: The object is not a row file of this task type.
        DatasetEmpty: No usable row is in it.
        ArtifactMissing, ArtifactChanged: The object is not the one that was recorded.
    """
    path = context.work_dir / f"{role}.parquet"
    context.store.download(ref, path)
    try:
        table = from_parquet(path)
        found = task_type_of(table)
    except ValueError as error:
        raise DatasetUnreadable(
            f"The {role} rows cannot be read.", details={"key": ref.key}, detail=str(error)
        ) from error
    if found != task_type:
        raise DatasetUnreadable(
            f"The {role} rows are for {found}, but the model is to learn {task_type}.", details={"key": ref.key}
        )
    wanted = (input_column(task_type), output_column(task_type))
    rows = [row for row in iterate(table) if all(row[column] for column in wanted)]
    if not rows:
        raise DatasetEmpty(
            f"The {role} rows hold no row with both {wanted[0]} and {wanted[1]}.", details={"key": ref.key}
        )
    return rows
