"""The arms of a trial: one for each kind of remedy and one for a teacher's rows, with a control arm of as many random rows each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data_optimizer.feedback.judge import SEEDS, Judge, Outcome
from data_optimizer.recipe import RecipeEntry
from wlops_common.contracts import DeclinedImprovement, ImprovementKind, TrialArm, Uplift

#: What the control arm of a kind does: the same to random rows; edited copies are set against plain ones.
_CONTROL_KIND: dict[ImprovementKind, ImprovementKind] = {
    "select": "select",
    "fix": "fix",
    "augment": "replay",
    "replay": "replay",
    "generate": "generate",
}
#: Labelled texts have no templates to draw at random from.
_CONTROL_OF_LABELLED: dict[ImprovementKind, ImprovementKind] = {**_CONTROL_KIND, "generate": "replay"}

#: Standard errors by which random rows of the pool must do better to be taken in place of those that the model is unsure of.
_CLEARLY = 1.96


@dataclass(frozen=True)
class Arm:
    """The entries of one arm as they were tried. ``uplift`` is over the rows so far, ``lead`` over the control arm."""

    kind: ImprovementKind
    entries: list[RecipeEntry]
    outcome: Outcome
    rows: int
    uplift: Uplift
    error: float
    control: Outcome
    control_rows: int
    control_uplift: Uplift
    lead: float
    lead_error: float
    wins: bool = False
    reason: str = ""

    @property
    def name(self) -> str:
        """As results tell it: the kind of its entries, or ``teacher``."""
        return self.entries[0].arm

    @property
    def ids(self) -> set[str]:
        """Ids of its entries."""
        return {entry.id for entry in self.entries}

    def told(self, *, chosen: bool) -> list[TrialArm]:
        """The arm and its control as results tell them."""
        own = TrialArm(
            arm=self.name,
            improvements=[entry.improvement_id for entry in self.entries],
            rows=self.rows,
            score=round(self.outcome.score, 6),
            uplift=self.uplift,
            chosen=chosen,
            reason=self.reason,
        )
        beside = TrialArm(
            arm=f"control {self.name}",
            improvements=[],
            rows=self.control_rows,
            score=round(self.control.score, 6),
            uplift=self.control_uplift,
            chosen=False,
            reason=f"{'as many' if self.control_rows == self.rows else 'fewer'} rows at random, for comparison",
        )
        return [own, beside]

    def declined(self) -> list[DeclinedImprovement]:
        """Its improvements as not applied, with the verdict."""
        return declined(self.entries, self.reason)


def declined(entries: list[RecipeEntry], reason: str) -> list[DeclinedImprovement]:
    """The improvements of these entries as not applied."""
    return [entry.declined(reason) for entry in entries]


def tried(judge: Judge, base: Outcome, entries: list[RecipeEntry]) -> Arm | None:
    """The arm of these entries, all of one kind, with its verdict; None where no row came of them."""
    kind = entries[0].kind
    outcome = judge.attempt(entries)
    rows = outcome.rows_of(entries)
    if rows == 0:
        return None
    control, control_rows = _control(judge, kind, outcome, rows)
    uplift, error = judge.uplift(base, outcome)
    control_uplift, _ = judge.uplift(base, control)
    lead, lead_error = judge.uplift(control, outcome)
    beside = control, control_rows, control_uplift
    arm = Arm(kind, entries, outcome, rows, uplift, error, *beside, lead.value, lead_error)
    if kind == "select" and arm.lead < -_CLEARLY * arm.lead_error:
        return _at_random(judge, base, arm)
    return _judged(arm)


def _judged(arm: Arm) -> Arm:
    figures = f"{arm.uplift.value:+.4f} on `mine` against the rows so far, {arm.lead:+.4f} against as many random rows"
    is_written = any(one.drafts for one in arm.entries)
    if is_written:
        figures = f"{arm.rows} of {sum(one.rows for one in arm.entries)} rows that were wanted: {figures}"
    if arm.kind == "select":
        # More rows that the user gave are good until shown otherwise; all else has to show that it is.
        reason = f"{figures}; rows that the user gave are taken unless they do harm"
        return replace(arm, wins=arm.uplift.high >= 0, reason=reason)
    is_broad_fix = arm.kind == "fix" and any(one.predicate is None for one in arm.entries)
    if arm.kind in ("augment", "replay") or is_broad_fix or is_written:
        # Little speaks for these but the trial itself, and the quick model is not the real one.
        wins = arm.uplift.value > arm.error and arm.lead > arm.lead_error
        needed = f"; it must gain more than one standard error, {arm.error:.4f} and {arm.lead_error:.4f}"
    elif arm.kind == "fix":
        # Rows that can go at no cost, where as many others could not, taught nothing.
        wins, needed = arm.uplift.value >= 0 and arm.lead > 0, "; it must cost nothing, and dropping random rows must"
    else:
        wins, needed = arm.uplift.value > 0 and arm.lead >= 0, "; it must gain, and no less than random rows"
    return replace(arm, wins=wins, reason=figures if wins else figures + needed)


def _at_random(judge: Judge, base: Outcome, aimed: Arm) -> Arm:
    """The arm with rows taken at random in place of those it aims at, which did worse."""
    entries = [entry.model_copy(update={"random": True, "row_ids": []}) for entry in aimed.entries]
    outcome = judge.attempt(entries)
    uplift, error = judge.uplift(base, outcome)
    reason = (
        f"random rows of the pool are taken: the ones that the quick model is unsure of did worse by {-aimed.lead:.4f},"
        f" more than {_CLEARLY} standard errors of {aimed.lead_error:.4f}"
    )
    rows = outcome.rows_of(entries)
    return replace(
        aimed,
        entries=entries,
        outcome=outcome,
        rows=rows,
        uplift=uplift,
        error=error,
        wins=uplift.high >= 0,
        reason=reason,
    )


def _control(judge: Judge, kind: ImprovementKind, arm: Outcome, rows: int) -> tuple[Outcome, int]:
    """As many rows taken at random, drawn anew for each seed, and how many those were (of all draws, the fewest)."""
    draws = [_draw(judge, kind, arm, rows, seed) for seed in range(SEEDS)]
    outcome = replace(draws[0][0], right=np.mean([draw.right for draw, _ in draws], axis=0))
    return outcome, min(made for _, made in draws)


def _draw(judge: Judge, kind: ImprovementKind, arm: Outcome, rows: int, seed: int) -> tuple[Outcome, int]:
    """One control: what stood in the recipe makes the rows it made beside the arm, and what the kind cannot make is copied."""
    is_labelled = arm.bench.task_type == "classification"
    own_kind = (_CONTROL_OF_LABELLED if is_labelled else _CONTROL_KIND)[kind]
    entries = [_control_entry(own_kind, rows, f"control-{kind}-{seed}")]
    while True:
        limits = {**arm.limits, **{entry.id: entry.rows for entry in entries}}
        drawn = judge.attempt(entries, range(seed, seed + 1), limits)
        made = drawn.rows_of(entries)
        if made >= rows or len(entries) > 1 or own_kind != "generate":
            return drawn, made
        entries.append(_control_entry("replay", rows - made, f"control-{kind}-{seed}-rest"))


def _control_entry(kind: ImprovementKind, rows: int, name: str) -> RecipeEntry:
    return RecipeEntry(id=name, improvement_id=name, iteration=0, kind=kind, slice="all rows", rows=rows, random=True)
