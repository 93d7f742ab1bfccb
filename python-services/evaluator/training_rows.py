"""The rows a model was trained on, as far as they are needed to find rows to be scored among them; a batch in memory at a time.

Not here: what is made of an overlap (``contamination``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from evaluator.row_files import read_batches
from wlops_common.contracts import RowsRef, TaskType
from wlops_common.job_context import JobContext
from wlops_ml.overlap import Overlap, overlaps
from wlops_ml.rows import input_column, output_column

#: Sources of rows that the loop makes; all others are the user's, moved or repeated perhaps.
MADE = frozenset({"generate", "augment", "teacher"})


@dataclass(frozen=True)
class TrainingRows:
    """The rows of ``ref``; ``stage`` is what is told while they are read."""

    context: JobContext
    ref: RowsRef
    task_type: TaskType
    stage: str

    def overlaps(self, held_out: pl.DataFrame, *, with_made: bool = True) -> list[Overlap]:
        """How each held-out row stands among them, or among the user's alone."""
        given = input_column(self.task_type)
        inputs = (
            (rows if with_made else rows.filter(~pl.col("source").is_in(MADE)))[given].to_list()
            for rows in self._batches([given, "source"])
        )
        return overlaps(held_out[given].to_list(), inputs, self.task_type)

    def problems(self) -> pl.DataFrame:
        """All of them: ``id``, ``given``, ``wanted`` and ``source``. A row that was repeated to weigh more is one row."""
        names = self.named_columns()
        rows = pl.concat(self._batches(["id", *names, "source"])).rename(names)
        return rows.sort("id").unique(["given", "wanted"], keep="first", maintain_order=True)

    def named_columns(self) -> dict[str, str]:
        """The columns of input and output, and what they are called where rows of both task types are alike."""
        return {input_column(self.task_type): "given", output_column(self.task_type): "wanted"}

    def _batches(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        done = 0
        self.context.progress(self.stage, done, self.ref.rows)
        for batch in read_batches(self.context, self.ref, columns, "train"):
            yield batch
            done += batch.height
            self.context.progress(self.stage, done, self.ref.rows)
