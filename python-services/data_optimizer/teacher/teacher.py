"""Which entries a teacher writes rows for, how often it is asked, and what is told of it.

It is asked where nothing else makes new rows of a kind: labelled texts, text without worked answers, problems with hardly a template.
Its rows go into the recipe (``RecipeEntry.drafts``), so that the recipe makes the same rows again without it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from data_optimizer.feedback.bench import Bench
from data_optimizer.feedback.compile import Candidates
from data_optimizer.feedback.generate import templates_of
from data_optimizer.recipe import TEACHER, DraftRow, Recipe, RecipeEntry
from data_optimizer.steps.personal_data import masked
from data_optimizer.steps.worked_answers import answers_are_worked
from data_optimizer.teacher.address import TeacherAddress
from data_optimizer.teacher.answers import LONGEST, Checks
from data_optimizer.teacher.endpoint import Endpoint
from data_optimizer.teacher.faults import TeacherFault
from data_optimizer.teacher.prompts import Pair, messages
from wlops_common.contracts import TeacherReport
from wlops_ml.features import ARROW, CONFUSED

#: Bounds of an iteration: calls in all and for one entry, rows asked for in a call, and seconds after which no call is begun.
CALLS, CALLS_PER_ENTRY, ROWS_PER_CALL = 16, 5, 20
SECONDS = 600.0
EXAMPLES, _EXAMPLE_CHARACTERS = 8, 1_000
#: Faults in a row after which it is not asked any more in this iteration.
_MOST_FAULTS = 2
#: With fewer templates than this new problems all sound alike.
FEWEST_TEMPLATES = 3
#: Rows with answers that nobody can verify, as a share of the rows that users gave.
UNVERIFIED_SHARE = 0.1


@dataclass
class Told:
    """What an iteration tells of the teacher."""

    model: str
    #: Calls, and what was sent for them with the tries that failed.
    calls: int = 0
    requests: int = 0
    #: The rows of training that it saw.
    shown: set[Pair] = field(default_factory=set)
    asked: int = 0
    answered: int = 0
    accepted: int = 0
    unusable: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def report(self) -> TeacherReport:
        """For the result."""
        return TeacherReport(
            model=self.model,
            calls=self.calls,
            rows_shown=len(self.shown),
            rows_asked=self.asked,
            rows_answered=self.answered,
            rows_accepted=self.accepted,
        )

    def to_json(self) -> dict[str, Any]:
        """For the optimization log: the report, and why rows or answers were of no use."""
        reasons = {"unusable": dict(sorted(self.unusable.items())), "faults": dict(sorted(self.faults.items()))}
        return {**self.report().to_json(), "requests": self.requests, **reasons}


def taught(
    address: TeacherAddress,
    candidates: Candidates,
    bench: Bench,
    recipe: Recipe,
    check: Callable[[], None],
    *,
    mask: bool = False,
) -> tuple[Candidates, Told]:
    """The candidates with the teacher's rows in those entries that it serves, and what is told of it. No fault of it is raised.

    ``mask`` is for tasks that mask personal data: their texts are masked, and a slice's name is too, which may hold a column's value.
    Its rows make an entry of their own beside the one that carries the finding out without it, if there is a way; where both are taken
    that one makes the rows that are missing (``shared_out``). A finding with neither is declined with the reason.
    """
    endpoint = Endpoint(address, check)
    teacher = _Teacher(endpoint, bench, recipe, Told(address.model), mask=mask)
    result = Candidates(declined=list(candidates.declined))
    for entry in candidates.entries:
        if entry.improvement_id in candidates.lost_by_teacher:
            result.entries.append(entry)
        else:
            teacher.serve(entry, result)
    teacher.told.requests = endpoint.requests
    return result, teacher.told


class _Teacher:
    def __init__(self, endpoint: Endpoint, bench: Bench, recipe: Recipe, told: Told, *, mask: bool) -> None:
        self.told = told
        self._mask = mask
        self._endpoint = endpoint
        self._bench = bench
        self._originals = bench.originals().sort("id")
        self._labels = tuple(sorted(set(self._originals["wanted"].to_list()))) if self._labelled else ()
        self._worked = not self._labelled and answers_are_worked(self._originals)
        self._unverified = 0 if self._labelled or self._worked else sum(len(entry.drafts) for entry in recipe.entries)
        self._until = time.monotonic() + SECONDS
        self._faults_in_a_row = 0
        self._stopped: str | None = None

    @property
    def _labelled(self) -> bool:
        return self._bench.task_type == "classification"

    def serve(self, entry: RecipeEntry, result: Candidates) -> None:
        """Put into ``result`` an entry of the rows it wrote, and the given one where that can be carried out; else the reason."""
        templates = 0 if self._labelled or entry.kind != "generate" else len(templates_of(self._bench, entry))
        if (
            entry.kind not in (("generate", "augment") if self._labelled else ("generate",))
            or templates >= FEWEST_TEMPLATES
        ):
            result.entries.append(entry)
            return
        rows, reason = self._write(entry)
        if rows:
            own = {"id": f"{entry.id}-{TEACHER}", "kind": "generate", "drafts": rows}
            result.entries.append(entry.model_copy(update=own))
        if self._labelled or templates:
            result.entries.append(entry)
        elif not rows:
            reason = f"no verified rows are there to make more from, and the teacher wrote none: {reason}"
            result.declined.append(entry.declined(reason))

    def _write(self, entry: RecipeEntry) -> tuple[list[DraftRow], str]:
        """Usable rows for the entry, and why there are no more."""
        wanted = min(entry.rows, CALLS_PER_ENTRY * ROWS_PER_CALL)
        if not self._labelled and not self._worked:
            wanted = min(wanted, int(UNVERIFIED_SHARE * self._originals.height) - self._unverified)
            if wanted <= 0:
                return [], f"at most {UNVERIFIED_SHARE:.0%} of the rows may have answers that cannot be verified"
        examples = self._examples(entry)
        if not examples:
            return [], "training has no row of this slice to show it"
        checks = Checks(self._bench, entry.predicate, frozenset(self._labels), self._worked)
        rows: list[DraftRow] = []
        for call in range(CALLS_PER_ENTRY):
            if self._stopped is not None or len(rows) >= wanted:
                break
            number = min(ROWS_PER_CALL, wanted - len(rows))
            shown = [examples[(call * EXAMPLES + at) % len(examples)] for at in range(min(EXAMPLES, len(examples)))]
            answer = self._ask(entry, shown, number)
            if answer is not None:
                seen = [*(given for given, _ in examples), *(row.given for row in rows)]
                usable = checks.usable(answer, seen)
                rows += usable[: wanted - len(rows)]
                if not usable:
                    break  # the next answer would hardly be another
        self.told.answered += checks.answered
        self.told.unusable += checks.unusable
        self.told.accepted += len(rows)
        if not self._labelled and not self._worked:
            self._unverified += len(rows)
        return rows, self._stopped or _reasons(checks)

    def _ask(self, entry: RecipeEntry, shown: list[Pair], rows: int) -> str | None:
        """One call; None where it failed."""
        if self.told.calls >= CALLS or time.monotonic() > self._until:
            self._stopped = f"it is asked {CALLS} times in an iteration, for {SECONDS:g} seconds"
            return None
        self.told.calls += 1
        self.told.asked += rows
        self.told.shown.update(shown)
        name = masked(pl.Series([entry.slice]))[0] if self._mask else entry.slice
        asked = messages(self._bench.task_type, name, shown, self._wanted(entry), self._labels, rows)
        try:
            answer = self._endpoint.ask(asked)
        except TeacherFault as fault:
            self.told.faults[str(fault)] += 1
            self._faults_in_a_row += 1
            if self._faults_in_a_row >= _MOST_FAULTS:
                self._stopped = str(fault)
            return None
        self._faults_in_a_row = 0
        return answer

    def _wanted(self, entry: RecipeEntry) -> list[str]:
        """Labels that rows of the slice may have."""
        if entry.predicate is not None and entry.predicate.feature == "label":
            return [entry.predicate.value]
        if entry.predicate is not None and entry.predicate.feature == CONFUSED:
            return [label for label in entry.predicate.value.split(ARROW) if label in self._labels]
        return list(self._labels)

    def _examples(self, entry: RecipeEntry) -> list[Pair]:
        """Training originals of the slice, undoubted and not long, in an order that is the entry's own; for problems of any kind else."""
        sound = self._originals.filter(~self._originals["id"].is_in(list(self._bench.suspects)))
        sound = sound.filter(
            (sound["given"].str.len_chars() <= _EXAMPLE_CHARACTERS) & (sound["wanted"].str.len_chars() <= LONGEST)
        )
        of_slice = self._bench.matching(sound, entry.predicate)
        rows = of_slice if of_slice.height or self._labelled else sound
        order = self._bench.rng(entry).permutation(rows.height)[: CALLS_PER_ENTRY * EXAMPLES]
        return list(rows[order].select("given", "wanted").iter_rows())


def _reasons(checks: Checks) -> str:
    if not checks.answered:
        return "its answer holds no row"
    return ", ".join(f"{reason}: {count}" for reason, count in checks.unusable.most_common())
