"""Turn findings into recipe entries: which of them the optimizer can act on, and how many rows each may make."""

from __future__ import annotations

import math

from data_optimizer.feedback.bench import Bench
from data_optimizer.feedback.fix import passes_trial
from data_optimizer.recipe import Feedback, Finding, Recipe, RecipeEntry

#: A slice that is as frequent in training as in `mine` and fails all the same gets this share of the training rows more.
_STRENGTHENING_SHARE = 0.1
#: Copies per row that random edits may add: they help small sets and do little for large ones (EDA, Wei and Zou 2019).
_AUGMENT_COPIES_SMALL, _AUGMENT_COPIES_LARGE, _AUGMENT_SMALL_ROWS = 4, 1, 3_000
#: New rows from the pool in one round, as a share of the training rows.
_SELECT_SHARE = 0.3


def entries_for(feedback: Feedback, bench: Bench, recipe: Recipe, iteration: int) -> list[RecipeEntry]:
    """One entry for each finding that there is something to do about, best expected gain first.

    Findings that need people or a pool that is empty, and a ``fix`` that a trial speaks against, give no entry. ``recipe`` is what is
    done already; ``bench`` holds the rows without it.
    """
    distinct = {finding.id: finding for finding in reversed(feedback.improvements)}
    findings = sorted(distinct.values(), key=lambda finding: (-finding.gain_bound, finding.id))
    entries: list[RecipeEntry] = []
    for finding in findings:
        if not _possible(finding, bench) or (
            finding.kind == "select" and any(entry.kind == "select" for entry in entries)
        ):
            continue
        entries.append(
            RecipeEntry(
                id=f"{iteration}-{finding.id}",
                improvement_id=finding.id,
                iteration=iteration,
                kind=finding.kind,
                slice=finding.slice,
                predicate=finding.predicate,
                rows=_wanted_rows(finding, bench, recipe),
            )
        )
    return entries


def _possible(finding: Finding, bench: Bench) -> bool:
    if finding.kind == "select":
        return bench.pool.height > 0
    if finding.kind == "fix":
        return bench.task_type == "classification" and passes_trial(bench, finding.predicate)
    return finding.kind not in ("collect", "none")


def _wanted_rows(finding: Finding, bench: Bench, recipe: Recipe) -> int:
    if finding.kind == "generate":
        return _missing_rows(finding, bench, recipe)
    if finding.kind == "augment":
        matching = bench.matching(bench.train, finding.predicate).height
        return matching * (_AUGMENT_COPIES_SMALL if bench.train.height < _AUGMENT_SMALL_ROWS else _AUGMENT_COPIES_LARGE)
    if finding.kind == "select":
        return min(bench.pool.height, math.ceil(bench.train.height * _SELECT_SHARE))
    return 0


def _missing_rows(finding: Finding, bench: Bench, recipe: Recipe) -> int:
    """As many rows as bring the slice to the share it has among the mine rows, and at least the strengthening share."""
    planned = sum(
        entry.rows for entry in recipe.entries if entry.kind == "generate" and entry.predicate == finding.predicate
    )
    in_train = bench.matching(bench.train, finding.predicate).height
    share = bench.matching(bench.mine, finding.predicate).height / max(1, bench.mine.height)
    others = bench.train.height - in_train
    level = math.ceil(others * share / (1 - share)) if share < 1 else bench.train.height
    return max(level - in_train - planned, math.ceil(bench.train.height * _STRENGTHENING_SHARE))
