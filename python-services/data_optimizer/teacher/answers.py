"""What of a teacher's answer is usable: rows are read out of what surrounds them and checked one by one, each refusal with its reason."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from data_optimizer.feedback.bench import Bench
from data_optimizer.guard import GuardIndex
from data_optimizer.recipe import DraftRow, PredicateSpec
from data_optimizer.steps.worked_answers import fault_of
from data_optimizer.teacher.prompts import FIELDS
from wlops_ml.features import TOLD_BY_TEXTS, Predicate, matches
from wlops_ml.maths import equation_target
from wlops_ml.text import clean_lines, clean_text, match_key

#: Longest texts that are taken, in characters, of input and output.
LONGEST = 4_000
#: Beginnings of objects that are tried in one answer: nonsense of brackets ends there.
_MOST_BEGINNINGS = 2_000


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """The rows that a text holds as JSON objects: bare, in a list, below ``rows``, in a fence, or before the place where it breaks off."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    for _ in range(_MOST_BEGINNINGS):
        if start < 0:
            return
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        rows = found.get("rows", found)
        yield from (row for row in (rows if isinstance(rows, list) else [rows]) if isinstance(row, dict))
        start = text.find("{", end)


@dataclass
class Checks:
    """What rows of one slice must be. ``unusable`` counts the refused by reason."""

    bench: Bench
    predicate: PredicateSpec | None
    labels: frozenset[str]
    #: Whether every answer must be worked and hold.
    worked: bool
    unusable: Counter[str] = field(default_factory=Counter)
    answered: int = 0

    def __post_init__(self) -> None:
        self._known = {match_key(text) for text in self.bench.train["given"].to_list()}

    def usable(self, answer: str, shown: list[str]) -> list[DraftRow]:
        """The rows of an answer that pass, in its order. ``shown``: inputs that the teacher saw, or wrote before."""
        given_name, wanted_name = FIELDS[self.bench.task_type]
        rows: list[DraftRow] = []
        for found in objects_in(answer):
            self.answered += 1
            given, wanted = found.get(given_name), found.get(wanted_name)
            if not isinstance(given, str) or not isinstance(wanted, str):
                self.unusable[f"no text in {given_name} or {wanted_name}"] += 1
                continue
            row = DraftRow(given=clean_text(given[: 2 * LONGEST]), wanted=self._cleaned(wanted[: 2 * LONGEST]))
            reason = self._fault(row)
            if reason is None:
                self._known.add(match_key(row.given))
                rows.append(row)
            else:
                self.unusable[reason] += 1
        return self._new(rows, shown)

    def _cleaned(self, wanted: str) -> str:
        return clean_lines(wanted) if self.bench.task_type == "generation" else wanted.strip()

    def _fault(self, row: DraftRow) -> str | None:
        if not row.given or not row.wanted:
            return "empty"
        if max(len(row.given), len(row.wanted)) > LONGEST:
            return f"longer than {LONGEST} characters"
        if self.bench.task_type == "classification" and row.wanted not in self.labels:
            return "a label that training does not have"
        if self.bench.task_type == "generation":
            fault = fault_of(row.wanted) if self.worked or equation_target(row.wanted) else None
            if fault is not None or (self.worked and equation_target(row.wanted) is None):
                return fault or "an answer that cannot be verified"
        if not self._of_slice(row):
            return "not of the slice"
        return "in training already, or written before" if match_key(row.given) in self._known else None

    def _of_slice(self, row: DraftRow) -> bool:
        """Whether the row's texts are of the slice; what the user's own columns would say, of a new row nobody knows."""
        asked = self.predicate
        if asked is None or asked.feature not in TOLD_BY_TEXTS[self.bench.task_type]:
            return True
        given, wanted = FIELDS[self.bench.task_type]
        view = {given: row.given, wanted: row.wanted}
        return matches(view, Predicate(asked.feature, asked.value), self.bench.task_type)

    def _new(self, rows: list[DraftRow], shown: list[str]) -> list[DraftRow]:
        """Without copies and near copies of held-out rows, of what was shown, and of each other."""
        task_type = self.bench.task_type
        texts = [row.given for row in rows]
        held_out = [
            any(refusals)
            for refusals in zip(*(one.refuses(texts, task_type) for one in self.bench.guards), strict=True)
        ]
        kept: list[DraftRow] = []
        for row, is_held_out in zip(rows, held_out or [False] * len(rows), strict=True):
            near = [*shown, *(one.given for one in kept)]
            if is_held_out:
                self.unusable["a copy or near copy of a held-out row"] += 1
            elif near and GuardIndex.of(near).refuses([row.given], task_type)[0]:
                self.unusable["a near copy of an example or of another row"] += 1
            else:
                kept.append(row)
        return kept
