"""Rows to be scored that stand in the training rows too: found by the evaluator itself, so that nothing is credited for them.

Only the evaluator holds the sealed rows, so an optimizer that is faulty, or cheats, cannot raise the score by training on them. All
training rows are checked, whatever made them. Not here: what counts as an overlap (``wlops_ml.overlap``, ``wlops_ml.paraphrases``), how
such rows are scored (``no_credit``), and keeping them out of training, which is the optimizer's work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluator.row_files import read_batches
from wlops_common.contracts import Contamination, EvaluateRequest, RowsRef
from wlops_common.errors import EvaluationContaminated
from wlops_common.job_context import JobContext
from wlops_ml.overlap import overlaps
from wlops_ml.paraphrases import NOTHING, Reworded, reworded
from wlops_ml.rows import input_column, output_column

#: An honest loop leaves next to none; where more than this share is found, the score is a bound too low to say anything about the model.
MAX_FOUND_SHARE = 0.05
#: In small sets a few rows are a large share, and may be found by chance.
FEW_ROWS = 3
#: Rewordings count where chance makes such a set of them less often than this.
CHANCE_LEVEL = 0.05


@dataclass(frozen=True)
class Audit:
    """Which rows to be scored were found among the training rows, shape ``(rows,)``, and the counts.

    Without training rows to check against none is found, and ``contamination`` is None. ``by_chance`` rows are told in other words by
    training rows, as often as chance explains, and are not among those found.
    """

    found: npt.NDArray[np.bool_]
    contamination: Contamination | None
    by_chance: int = 0

    def notes(self, role: str) -> list[str]:
        """What a reader of the score should know."""
        found, notes = self.contamination, []
        if found is not None and found.excluded:
            notes.append(
                f"{_told(found, role)} and count as wrong, since what is remembered cannot be told from what is known: the model is at"
                " least as good as the score says."
            )
        if self.by_chance:
            notes.append(
                f"{self.by_chance} {role} rows are told in other words by training rows, no more than chance explains; they are scored"
                " as all others."
            )
        return notes


def audit(context: JobContext, request: EvaluateRequest, table: pl.DataFrame, role: str) -> Audit:
    """Check ``table``, the rows of ``role``, against all training rows of the request.

    A row is found once, for the plainest reason: an equal text, else a near one, else (generation) a rewording. Rewordings are found all or
    none: where chance alone often makes such a set of them, as in problems of a few templates, none is. Raises ``EvaluationContaminated``
    when more than a twentieth of the rows, and more than a few, are found. The order of rows does not matter.
    """
    if request.train is None:
        return Audit(np.zeros(table.height, dtype=bool), None)
    task_type = request.task_type
    given, wanted = input_column(task_type), output_column(task_type)
    stage = f"checking {role} rows against training rows"
    context.progress(stage, 0, request.train.rows)
    problems: list[pl.DataFrame] = []
    batches = _batches(context, request.train, [given, wanted, "id"], stage)
    kinds = overlaps(
        table[given].to_list(), _inputs(batches, given, problems, keep=task_type == "generation"), task_type
    )
    found = np.array([kind is not None for kind in kinds], dtype=bool)
    paraphrases, by_chance = None, 0
    if task_type == "generation":
        context.progress(f"looking for rewordings of {role} rows")
        names = {given: "given", wanted: "wanted"}
        rest = np.flatnonzero(~found)
        met = _reworded(problems, table[rest].rename(names), names)
        is_chance = met.surprise(len(rest)) >= CHANCE_LEVEL
        found[rest[sorted(met.held_out)]] = not is_chance
        paraphrases, by_chance = (0, len(met.held_out)) if is_chance else (len(met.held_out), 0)
    contamination = Contamination(
        checked=table.height,
        exact=kinds.count("exact"),
        near=kinds.count("near"),
        paraphrases=paraphrases,
        excluded=int(found.sum()),
    )
    if contamination.excluded > max(FEW_ROWS, MAX_FOUND_SHARE * table.height):
        raise EvaluationContaminated(
            f"{_told(contamination, role)}, so their score says little about the model. Take the {role} rows out of the training file, or"
            f" give other rows for {role}.",
            details={"role": role, **contamination.to_json()},
        )
    return Audit(found, contamination, by_chance)


def _reworded(problems: list[pl.DataFrame], held_out: pl.DataFrame, names: dict[str, str]) -> Reworded:
    """Which held-out problems a training problem rewords."""
    if not problems:
        return NOTHING
    # A row that was repeated to weigh more is one row, the same one in whatever order they come.
    training = (
        pl.concat(problems).rename(names).sort("id").unique(["given", "wanted"], keep="first", maintain_order=True)
    )
    return reworded(training, held_out)


def _told(found: Contamination, role: str) -> str:
    """How many rows stand among the training rows, and how."""
    kinds = [f"{found.exact} as they are", f"{found.near} nearly"]
    kinds += [f"{found.paraphrases} in other words"] if found.paraphrases else []
    return f"{found.excluded} of {found.checked} {role} rows stand in the training rows too ({', '.join(kinds)})"


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
