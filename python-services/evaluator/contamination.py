"""Rows to be scored that stand in the training rows too: found by the evaluator itself, so that nothing is credited for them.

Only the evaluator holds the sealed rows, so an optimizer that is faulty, or cheats, cannot raise the score by training on them. All
training rows are checked, whatever made them. Not here: what counts as an overlap (``wlops_ml.overlap``, ``rewordings``), how such rows
are scored (``no_credit``), and keeping them out of training, which is the optimizer's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluator.chance import FEW_ROWS
from evaluator.rewordings import Rewordings, rewordings
from evaluator.row_files import read_table
from evaluator.training_rows import MADE, TrainingRows
from wlops_common.contracts import Contamination, EvaluateRequest
from wlops_common.job_context import JobContext
from wlops_ml.overlap import Overlap

#: An honest loop leaves next to none; where more than this share is found, the score says little about the model.
MUCH = 0.05
#: Honest rows that are looked for beside those to be scored; their file is sorted by a hash, so the first are a fair sample.
MAX_HONEST_ROWS = 5_000


@dataclass(frozen=True)
class Audit:
    """Which rows to be scored were found among the training rows, shape ``(rows,)``, and the counts.

    Without training rows to check against none is found, and ``contamination`` is None; ``told`` is of generation only. ``beside`` is the
    role of the honest rows that were looked for too.
    """

    found: npt.NDArray[np.bool_]
    contamination: Contamination | None = None
    told: Rewordings | None = None
    beside: str = "mine"

    def notes(self, role: str) -> list[str]:
        """What a reader of the score should know."""
        notes = []
        if self.contamination is not None and self.contamination.excluded:
            notes.append(_found_note(self.contamination, role))
        told = self.told
        if told is None or not (told.by_chance or told.found.any()):
            return notes
        if told.honest < FEW_ROWS:
            notes.append(
                f"Too few `{self.beside}` rows stand beside the {role} rows to see how often chance tells one in other words: only those"
                " count as reworded whose own numbers show it."
            )
        elif told.by_chance:
            notes.append(
                f"{told.by_chance} {role} rows are told in other words by training rows, no more than chance explains: so are"
                f" {told.honest_by_chance} of {told.honest} `{self.beside}` rows. They are scored as all others."
            )
        return notes


def audit(context: JobContext, request: EvaluateRequest, table: pl.DataFrame, role: str) -> Audit:
    """Check ``table``, the rows of ``role``, against all training rows of the request.

    A row is found once, for the plainest reason: an equal text, else a near one, else (generation) a rewording that chance does not
    explain, by how often honest rows are reworded: of ``mine``, and in a final evaluation of ``select``, which nobody who makes training
    rows may read, so that nobody can reword it to make the sealed rows seem met by chance. The order of rows does not matter.
    """
    if request.train is None:
        return Audit(np.zeros(table.height, dtype=bool))
    stage = f"checking {role} rows against training rows"
    training = TrainingRows(context, request.train, request.task_type, stage)
    beside = "select" if request.purpose == "final" else "mine"
    honest = _honest(context, request, table, beside)
    kinds = training.overlaps(pl.concat([table, honest]))
    overlapping = np.array([kind is not None for kind in kinds], dtype=bool)
    found, clean = overlapping[: table.height], honest.filter(~overlapping[table.height :])
    # Found among the user's rows is found there, whatever the loop made of it.
    made = training.overlaps(table.filter(found), with_made=False).count(None) if found.any() else 0
    told = None
    if request.task_type == "generation":
        context.progress(f"looking for rewordings of {role} rows")
        rest, names = np.flatnonzero(~found), training.named_columns()
        scored, untold = (rows.select("id", *names, "group").rename(names) for rows in (table[rest], clean))
        told = rewordings(training.problems(), scored, untold, context.check)
        found[rest] = told.found
        made += sum(source in MADE for source in told.sources)
    return Audit(found, _counted(kinds[: table.height], found, told, made), told, beside)


def _honest(context: JobContext, request: EvaluateRequest, table: pl.DataFrame, role: str) -> pl.DataFrame:
    """Rows of ``role``, which no model is trained on; none where the request has none, or where rewordings are not looked for."""
    ref = request.select if role == "select" else request.mine
    if request.task_type == "classification" or ref is None or ref.rows == 0:
        return table.clear()
    return read_table(context, ref, request.task_type, role).head(MAX_HONEST_ROWS)


def _counted(
    kinds: Sequence[Overlap], found: npt.NDArray[np.bool_], told: Rewordings | None, made: int
) -> Contamination:
    return Contamination(
        checked=len(kinds),
        exact=kinds.count("exact"),
        near=kinds.count("near"),
        paraphrases=None if told is None else int(told.found.sum()),
        excluded=int(found.sum()),
        made=made,
        by_chance=None if told is None else told.by_chance,
    )


def _found_note(found: Contamination, role: str) -> str:
    """How many rows stand among the training rows, how, by whom, and what that means."""
    kinds = [f"{found.exact} as they are", f"{found.near} nearly"]
    kinds += [f"{found.paraphrases} in other words"] if found.paraphrases else []
    note = (
        f"{found.excluded} of {found.checked} {role} rows stand in the training rows too ({', '.join(kinds)}) and count as wrong, since"
        " what is remembered cannot be told from what is known: the model is"
        " at least as good as the score says."
    )
    if found.made:
        note += f" Of these, {found.made} are put down to rows that the loop made, not to the user's."
    if found.excluded > MUCH * found.checked:
        note += " So many leave the score little to say about the model. " + (
            "Its data set's log tells what made those rows."
            if 2 * (found.made or 0) > found.excluded
            else f"Take the {role} rows out of the training file, or give other {role} rows."
        )
    return note
