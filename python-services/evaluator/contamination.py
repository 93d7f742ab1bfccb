"""Rows to be scored that stand in the training rows too: found by the evaluator itself, and left out of the score.

Only the evaluator holds the sealed rows, so an optimizer that is faulty, or cheats, cannot move the score by training on them. All
training rows are checked, whatever made them. Not here: what counts as an overlap (``wlops_ml.overlap``, ``wlops_ml.paraphrases``), and
keeping such rows out of training, which is the optimizer's work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from evaluator.row_files import read_batches
from wlops_common.contracts import Contamination, EvaluateRequest, RowsRef
from wlops_common.errors import EvaluationContaminated
from wlops_common.job_context import JobContext
from wlops_ml.overlap import overlaps
from wlops_ml.paraphrases import reworded
from wlops_ml.rows import input_column, output_column

#: A score of the rest is no longer a score of the role once more than this share is gone.
MAX_EXCLUDED_SHARE = 0.5


@dataclass(frozen=True)
class Audit:
    """The rows that may be scored, and what was found; None where there were no training rows to check against."""

    clean: pl.DataFrame
    contamination: Contamination | None

    def notes(self, role: str) -> list[str]:
        """What a reader of the score should know."""
        found = self.contamination
        if found is None or not found.excluded:
            return []
        kinds = [f"{found.exact} as they are", f"{found.near} nearly"]
        kinds += [f"{found.paraphrases} in other words"] if found.paraphrases else []
        return [
            f"{found.excluded} of {found.checked} {role} rows stand in the training rows too ({', '.join(kinds)}) and were left out."
        ]


def audit(context: JobContext, request: EvaluateRequest, table: pl.DataFrame, role: str) -> Audit:
    """Check ``table``, the rows of ``role``, against all training rows of the request.

    A row is excluded once, for the plainest reason: an equal text, else a near one, else (generation) a rewording that chance does not
    explain. Raises ``EvaluationContaminated`` when more than half of the rows would go. The order of rows does not matter.
    """
    if request.train is None:
        return Audit(table, None)
    task_type = request.task_type
    given, wanted = input_column(task_type), output_column(task_type)
    stage = f"checking {role} rows against training rows"
    context.progress(stage, 0, request.train.rows)
    problems: list[pl.DataFrame] = []
    batches = _batches(context, request.train, [given, wanted, "id"], stage)
    kinds = overlaps(
        table[given].to_list(), _inputs(batches, given, problems, keep=task_type == "generation"), task_type
    )
    clean = table.filter(pl.Series([kind is None for kind in kinds], dtype=pl.Boolean))
    paraphrases: int | None = None
    if task_type == "generation":
        context.progress(f"looking for rewordings of {role} rows")
        names = {given: "given", wanted: "wanted"}
        training = pl.concat(problems).rename(names).unique(["given", "wanted"]) if problems else None
        found = reworded(training, clean.rename(names)).held_out if training is not None else frozenset()
        clean = clean.filter(pl.Series([row not in found for row in range(clean.height)], dtype=pl.Boolean))
        paraphrases = len(found)
    contamination = Contamination(
        checked=table.height,
        exact=kinds.count("exact"),
        near=kinds.count("near"),
        paraphrases=paraphrases,
        excluded=table.height - clean.height,
    )
    if contamination.excluded > MAX_EXCLUDED_SHARE * table.height:
        raise EvaluationContaminated(
            f"{contamination.excluded} of {table.height} {role} rows stand in the training rows too, so the rest says little about the"
            f" model. Take the {role} rows out of the training file, or give other rows for {role}.",
            details={"role": role, **contamination.to_json()},
        )
    return Audit(clean, contamination)


def _batches(context: JobContext, ref: RowsRef, columns: list[str], stage: str) -> Iterator[pl.DataFrame]:
    done = 0
    for batch in read_batches(context, ref, columns, "train"):
        yield batch
        done += batch.height
        context.progress(stage, done, ref.rows)


def _inputs(
    batches: Iterator[pl.DataFrame], given: str, kept: list[pl.DataFrame], *, keep: bool
) -> Iterator[list[str]]:
    """The inputs of each batch; on the way, batches are kept where they are needed once more."""
    for batch in batches:
        if keep:
            kept.append(batch)
        yield batch[given].to_list()
