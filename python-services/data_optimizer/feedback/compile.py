"""Turn findings into recipe entries: which of them the optimizer has the means for, and how many rows each may make.

Which of the entries are worth it is for the trial to say (``trial``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from data_optimizer.feedback.bench import SMALL_TRAINING_ROWS, Bench
from data_optimizer.feedback.fix import doubted
from data_optimizer.recipe import Feedback, Finding, Recipe, RecipeEntry
from wlops_common.contracts import ALL_ROWS, DeclinedImprovement

#: A slice that is as frequent in training as in `mine` and fails all the same gets this share of the training rows more.
_STRENGTHENING_SHARE = 0.1
#: Copies per row that random edits may add, to small sets and to large ones.
_AUGMENT_COPIES_SMALL, _AUGMENT_COPIES_LARGE = 4, 1
#: New rows from the pool in one round, as a share of the training rows; each lost challenger adds as many to the next one's.
_SELECT_SHARE = 0.4
#: Findings taken up in one iteration: each one's own part of the gain is measured, which costs trainings of the quick model.
MAX_ENTRIES = 8


@dataclass
class Candidates:
    """Entries that can be tried, best expected gain first, and the findings there is no entry for, with the reason."""

    entries: list[RecipeEntry] = field(default_factory=list)
    declined: list[DeclinedImprovement] = field(default_factory=list)
    #: Improvements that a teacher's rows were tried for and lost.
    lost_by_teacher: frozenset[str] = frozenset()

    def decline(self, finding: Finding, reason: str) -> None:
        """Note why there is no entry for a finding."""
        self.declined.append(DeclinedImprovement(id=finding.id, kind=finding.kind, slice=finding.slice, reason=reason))


def candidates_for(
    feedback: Feedback,
    bench: Bench,
    recipe: Recipe,
    iteration: int,
    rejected: list[Recipe],
    *,
    has_teacher: bool = False,
) -> Candidates:
    """One entry for each finding that there is something to do about.

    Args:
        feedback: The evaluator's findings.
        bench: The rows as the champion's recipe left them.
        recipe: That recipe.
        iteration: The iteration that takes the findings up.
        rejected: Recipes of challengers which were built on this one and lost to the champion.
        has_teacher: Whether there is one to write generated text of a kind that people would have to collect else.
    """
    distinct = {finding.id: finding for finding in reversed(feedback.improvements)}
    tried, by_teacher = _tried(recipe, rejected), _tried(recipe, rejected, by_teacher=True)
    found = Candidates(lost_by_teacher=frozenset(by_teacher))
    for finding in sorted(distinct.values(), key=lambda one: (-one.gain_bound, one.id)):
        is_for_teacher = has_teacher and finding.kind == "collect" and bench.task_type == "generation"
        asked = finding.model_copy(update={"kind": "generate"}) if is_for_teacher else finding
        reason = _obstacle(asked, bench, found.entries, by_teacher if is_for_teacher else tried)
        if reason is not None:
            found.decline(finding, reason)
            continue
        # The champion's doubts say which rows of the pool are worth most, not the slice that asked for some.
        is_of_all = asked.kind == "select" and bench.ranks_pool()
        found.entries.append(
            RecipeEntry(
                id=f"{iteration}-{finding.id}",
                improvement_id=finding.id,
                iteration=iteration,
                kind=asked.kind,
                finding_kind=finding.kind,
                slice=ALL_ROWS if is_of_all else finding.slice,
                predicate=None if is_of_all else finding.predicate,
                rows=_wanted_rows(asked, bench, len(rejected)),
            )
        )
    return found


def _tried(recipe: Recipe, rejected: list[Recipe], *, by_teacher: bool = False) -> dict[str, int]:
    """Improvement id -> the last iteration whose challenger applied it so and lost; ``select`` may be tried again, with more rows."""
    kept = {entry.id for entry in recipe.entries}
    return {
        entry.improvement_id: entry.iteration
        for one in rejected
        for entry in one.entries
        if entry.id not in kept and entry.kind != "select" and bool(entry.drafts) == by_teacher
    }


def _obstacle(finding: Finding, bench: Bench, entries: list[RecipeEntry], tried: dict[str, int]) -> str | None:
    """Why there can be no entry for the finding; None when there can."""
    kind = finding.kind
    if kind == "collect":
        worked = (
            " (worked steps, or a column `equation`, would let some be made)" if bench.task_type == "generation" else ""
        )
        return f"rows of this kind must be collected by people: no verified ones are there to make more from{worked}"
    if kind == "none":
        return "there is nothing to mend"
    if kind == "select" and bench.pool.height == 0:
        return "no rows are left in the pool" if bench.has_pool else "the task has no pool"
    if kind == "select" and any(entry.kind == "select" for entry in entries):
        return "rows of the pool are taken once in an iteration, for the finding that promises most"
    if kind == "fix" and bench.task_type != "classification":
        return "doubts are looked for in labels only"
    if kind == "fix" and not doubted(bench, finding.predicate):
        return "no training row of this slice has a doubtful label"
    if kind == "augment" and bench.task_type != "classification":
        return "edits would make worked answers wrong"
    if finding.id in tried:
        return f"the challenger of iteration {tried[finding.id]} applied it and did not beat the champion"
    if len(entries) >= MAX_ENTRIES:
        return f"{MAX_ENTRIES} other findings promise more"
    return None


def _wanted_rows(finding: Finding, bench: Bench, lost: int) -> int:
    if finding.kind == "generate":
        return _missing_rows(finding, bench)
    if finding.kind == "augment":
        matching = bench.matching(bench.originals(), finding.predicate).height
        return matching * (_AUGMENT_COPIES_SMALL if bench.train.height < SMALL_TRAINING_ROWS else _AUGMENT_COPIES_LARGE)
    if finding.kind == "replay":
        return bench.matching(bench.originals(), finding.predicate).height
    if finding.kind == "select":
        return min(bench.pool.height, math.ceil(bench.train.height * _SELECT_SHARE * (1 + lost)))
    return 0


def _missing_rows(finding: Finding, bench: Bench) -> int:
    """As many rows as bring the slice to the share it has among the mine rows, and at least the strengthening share."""
    in_train = bench.matching(bench.train, finding.predicate).height
    share = bench.matching(bench.mine, finding.predicate).height / max(1, bench.mine.height)
    others = bench.train.height - in_train
    level = math.ceil(others * share / (1 - share)) if share < 1 else bench.train.height
    return max(level - in_train, math.ceil(bench.train.height * _STRENGTHENING_SHARE))
