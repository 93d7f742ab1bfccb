"""The order of the optimizer's steps: the first iteration, which makes the split, and the cleaning that every iteration repeats.

Not covered: reading and writing objects (``job``, ``intake``, ``outputs``) and what feedback adds (``feedback``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data_optimizer import guard, split
from data_optimizer.frozen_split import Suspect
from data_optimizer.guard import Overlaps
from data_optimizer.journal import Journal, removal
from data_optimizer.steps.balance import capped
from data_optimizer.steps.duplicates import without_exact_duplicates, without_near_duplicates
from data_optimizer.steps.label_issues import MAX_CELLS, LabelIssue, find_label_issues
from data_optimizer.steps.unknown_labels import count_unknown
from data_optimizer.steps.worked_answers import verified
from wlops_common.contracts import LabelIssueReport, LeakageReport, Operators, OptimizeRequest, TaskType
from wlops_ml import paraphrases
from wlops_ml.maths import equation_target

HELD_OUT_ROLES = ("mine", "select", "test")


def make_split(
    rows: pl.DataFrame, task_type: TaskType, seed: int, journal: Journal, scratch: Path
) -> tuple[pl.DataFrame, LeakageReport]:
    """Rows with groups and roles, copies of held-out rows gone, and what was found on the way. ``scratch``: a folder for working files."""
    started = journal.begin("near-duplicate groups")
    grouped = split.with_groups(rows, task_type, scratch)
    journal.record("near-duplicate groups", rows.height, grouped.height, None, started)
    overlaps = guard.count_overlaps(grouped) if grouped["file"].n_unique() > 1 else Overlaps(0, 0)
    separate = journal.run("leakage guard", guard.purge, grouped, secret=True)
    started = journal.begin("split")
    if task_type == "generation":
        separate = paraphrases.joined(separate)
    divided = split.with_roles(separate, task_type, seed)
    journal.record("split", separate.height, divided.height, None, started)
    journal.facts["roles"] = dict(sorted(divided.group_by("role").len().iter_rows()))
    found: int | None = None
    if task_type == "generation":
        divided, found = _without_paraphrases(divided, journal)
    return divided, LeakageReport(exact_overlaps=overlaps.exact, near_overlaps=overlaps.near, paraphrases=found)


def _without_paraphrases(rows: pl.DataFrame, journal: Journal) -> tuple[pl.DataFrame, int]:
    """Take out training and pool rows that reword a held-out one; answers also how many held-out rows that concerns."""
    numbered = rows.with_row_index("_row")
    is_held_out = pl.col("role").is_in(HELD_OUT_ROLES)
    open_rows = numbered.filter(~is_held_out)
    started = journal.begin("paraphrase guard")
    found = paraphrases.reworded(open_rows, numbered.filter(is_held_out), journal.check)
    gone = {open_rows["_row"][row] for row in found.training}
    kept, removed = removal(
        rows, ["paraphrase of a held-out row" if row in gone else None for row in range(rows.height)]
    )
    journal.record("paraphrase guard", rows.height, kept.height, removed, started, secret=True)
    if found.by_chance:
        journal.facts["heldOutRowsMetByChance"] = len(found.by_chance)
    return kept, len(found.held_out)


def clean_held_out(rows: pl.DataFrame, task_type: TaskType, journal: Journal, *, worked: bool) -> pl.DataFrame:
    """Clean the rows carved from training file and pool for `mine`, `select` and `test`. The user's own held-out files stay as they are."""
    carved = pl.col("file").is_in(["training", "pool"])
    kept = rows.filter(~carved)
    own = rows.filter(carved)
    if own.height == 0:
        return rows
    if worked:
        own = journal.run("worked answers, held-out", verified, own)
    own = journal.run("exact duplicates, held-out", lambda table: without_exact_duplicates(table, task_type), own)
    return pl.concat([kept, own])


@dataclass(frozen=True)
class CleanRows:
    """Training and pool rows ready for the recipe."""

    train: pl.DataFrame
    pool: pl.DataFrame


def clean_open(source: pl.DataFrame, task_type: TaskType, journal: Journal, *, worked: bool) -> CleanRows:
    """Clean the source rows of `train` and `pool`: what every iteration starts with."""
    both = source
    if worked:
        both = journal.run("worked answers", verified, both)
    both = journal.run("exact duplicates", lambda rows: without_exact_duplicates(rows, task_type), both)
    both = journal.run("near-duplicates", lambda rows: without_near_duplicates(rows, task_type), both)
    return CleanRows(both.filter(pl.col("role") == "train"), both.filter(pl.col("role") == "pool"))


def count_unknown_labels(train: pl.DataFrame, held_out: pl.DataFrame, journal: Journal) -> None:
    """Write down how many held-out rows have a label that no training row has."""
    started = journal.begin("unknown labels")
    journal.unknown_labels |= count_unknown(train, held_out)
    journal.facts["unknownLabels"] = {role: counts.to_json() for role, counts in journal.unknown_labels.items()}
    journal.record("unknown labels", held_out.height, held_out.height, None, started)


def operators_for(task_type: TaskType, request: OptimizeRequest, journal: Journal) -> Operators:
    """What the request asks for as far as it makes sense for the task type; what does not is written down."""
    asked = request.operators or Operators()
    if task_type == "classification" or asked.max_rows_per_class is None:
        return asked
    journal.facts["maxRowsPerClass"] = "not applied: the rows are prompts with completions, which are no labels"
    return asked.model_copy(update={"max_rows_per_class": None})


def balanced(clean: CleanRows, operators: Operators, seed: int, journal: Journal) -> CleanRows:
    """Training rows under the caps that are asked for, if any; the pool stays. ``seed`` is that of the split.

    An iteration's own seed would take other rows each time, and a champion's recipe would not make its rows again.
    """
    per_class, per_group = operators.max_rows_per_class, operators.max_rows_per_group
    if per_class is None and per_group is None:
        return clean
    train = journal.run(
        "balance", lambda rows: capped(rows, seed, per_class=per_class, per_group=per_group), clean.train
    )
    return CleanRows(train, clean.pool)


def record_targets(train: pl.DataFrame, journal: Journal) -> None:
    """Write down that completions get an equation as target beside them, and how many have one."""
    started = journal.begin("equation targets")
    changed = sum(equation_target(text) is not None for text in train["wanted"].to_list())
    journal.record("equation targets", train.height, train.height, None, started, changed=changed)


def doubt_labels(
    train: pl.DataFrame, task_type: TaskType, seed: int, journal: Journal
) -> tuple[list[Suspect], LabelIssueReport | None]:
    """The training rows whose label is doubted. None are taken out here: that is for a finding to ask for."""
    if task_type != "classification":
        return [], None
    started = journal.begin("label issues")
    issues: list[LabelIssue] | None = None
    if train.height * train["wanted"].n_unique() <= MAX_CELLS:
        ordered = train.sort("id")
        labels = ordered["wanted"].to_list()
        issues = find_label_issues(ordered["given"].to_list(), labels, seed, journal.check)
    journal.record("label issues", train.height, train.height, None, started)
    if issues is None:
        journal.facts["labelIssues"] = (
            "not looked for: too few rows, or too many rows times classes for the time a step may take"
        )
        return [], None
    suspects = [
        Suspect(id=ordered["id"][issue.row], given=labels[issue.row], suggested=issue.suggested, margin=issue.margin)
        for issue in issues
    ]
    journal.facts["labelIssues"] = [
        suspect.to_json() for suspect in sorted(suspects, key=lambda one: (-one.margin, one.id))[:100]
    ]
    return suspects, LabelIssueReport(flagged=len(suspects), quarantined=0)
