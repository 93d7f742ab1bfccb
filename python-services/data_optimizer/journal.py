"""The book of one optimisation: for each step rows in and out, why rows went, samples, seconds; and the quarantine list.

Texts of sealed rows never enter it: of those only file, line and reason are kept, because the training side can read this book.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from data_optimizer.operators import operator_of
from data_optimizer.parsing.table import BadRow, sample_of
from data_optimizer.steps.personal_data import masked
from wlops_common.contracts import FileReading, OptimizationStep, OptimizeRequest, UnknownLabels
from wlops_common.job_context import JobContext

#: File, line, reason and beginning of a row that was set aside.
_Entry: TypeAlias = tuple[str, int | None, str, str | None]
#: Kept rows, and removed rows with the column ``reason``.
Outcome: TypeAlias = tuple[pl.DataFrame, pl.DataFrame]
Step: TypeAlias = Callable[[pl.DataFrame], Outcome]
#: Which rows a reason applies to, shape ``(rows,)``.
Mask: TypeAlias = npt.NDArray[np.bool_]

#: The roles whose rows may have labels that training lacks.
Role: TypeAlias = Literal["mine", "select", "test", "pool"]

SAMPLES_PER_STEP = 20
SEALED_ROLES = ("select", "test")
_SECONDS_DIGITS = 3


class Journal:
    """Runs steps and writes down what they did."""

    def __init__(self, context: JobContext, total_steps: int, request: OptimizeRequest) -> None:
        self.steps: list[OptimizationStep] = []
        #: ``quarantine.jsonl``: one JSON object per row that was set aside, in the order of the steps. On disk: it may be most rows.
        self.quarantine: Path = context.work_dir / "quarantine.jsonl"
        self.quarantined = 0
        #: The first entry of each file, to tell why nothing is left of it.
        self.first_of_file: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, Any] = {}
        self.files: list[FileReading] = []
        #: By role, the pool among them; empty where all labels are known.
        self.unknown_labels: dict[Role, UnknownLabels] = {}
        self._samples: dict[str, list[dict[str, Any]]] = {}
        self._context = context
        self._request = request
        self._total_steps = total_steps
        self._began = time.monotonic()
        self.quarantine.unlink(missing_ok=True)
        self.quarantine.touch()

    def seconds(self) -> float:
        """Seconds since the journal was begun; unlike those of its steps with reading, writing and trials between them."""
        return round(time.monotonic() - self._began, _SECONDS_DIGITS)

    @property
    def removed(self) -> dict[str, int]:
        """Rows taken out so far, by reason."""
        totals: dict[str, int] = {}
        for step in self.steps:
            for reason, count in step.removed.items():
                totals[reason] = totals.get(reason, 0) + count
        return totals

    def run(self, name: str, step: Step, rows: pl.DataFrame, *, secret: bool = False) -> pl.DataFrame:
        """Apply a step and answer with the rows it kept. ``secret``: what it removes resembles sealed rows and is not shown."""
        started = self.begin(name)
        kept, removed = step(rows)
        self.record(name, rows.height, kept.height, removed, started, secret=secret)
        return kept

    def begin(self, name: str) -> float:
        """Tell the world that a step starts; answers with its start on the monotonic clock."""
        self._context.progress(name, len(self.steps), self._total_steps)
        return time.monotonic()

    def check(self) -> None:
        """Raise ``JobInterrupted`` where the job was told to stop; for the long loops of a step."""
        self._context.check()

    def record(
        self,
        name: str,
        rows_in: int,
        rows_out: int,
        removed: pl.DataFrame | None,
        started: float,
        *,
        changed: int = 0,
        secret: bool = False,
    ) -> None:
        """Write down a finished step; ``removed`` has the column ``reason``, ``changed`` is how many of the rows that stay were edited."""
        reasons = Counter(removed["reason"].to_list()) if removed is not None else Counter()
        self._set_aside(name, _entries(removed, secret=secret) if removed is not None else ())
        self._append(name, rows_in, rows_out, reasons, started, changed)

    def record_parsing(self, name: str, file: str, rows_in: int, bad: Sequence[BadRow], started: float) -> None:
        """Write down how a file was read."""
        reasons = Counter(row.reason.partition(":")[0] for row in bad)
        samples = pl.Series([row.sample for row in bad], dtype=pl.String)
        asked = self._request.operators
        if asked is not None and asked.mask_personal_data:
            samples = masked(samples)
        told = zip(bad, samples, strict=True)
        self._set_aside(name, ((file, row.line, row.reason, None if file == "test" else text) for row, text in told))
        self._append(name, rows_in, rows_in - reasons.total(), reasons, started)

    def to_log(self) -> dict[str, Any]:
        """The optimisation log as JSON-ready dict."""
        return {
            "version": 2,
            "seed": self._request.seed,
            "inputs": _inputs(self._request),
            "steps": [self._told(step) for step in self.steps],
            "quarantined": self.quarantined,
            **self.facts,
        }

    def _told(self, step: OptimizationStep) -> dict[str, Any]:
        operator = operator_of(step.name)
        told = {**step.to_json(), "operator": operator.name, "version": operator.version}
        return {**told, "samples": self._samples.get(step.name, [])}

    def _append(
        self, name: str, rows_in: int, rows_out: int, reasons: Mapping[str, int], started: float, changed: int = 0
    ) -> None:
        seconds = round(time.monotonic() - started, _SECONDS_DIGITS)
        removed = dict(sorted(reasons.items()))
        step = OptimizationStep(
            name=name, rows_in=rows_in, rows_out=rows_out, removed=removed, changed=changed, seconds=seconds
        )
        self.steps.append(step)
        told = step.to_json()
        self._context.log("step", step=told.pop("name"), **told)

    def _set_aside(self, step: str, rows: Iterable[_Entry]) -> None:
        samples = self._samples.setdefault(step, [])
        with self.quarantine.open("ab") as out:
            for file, line, reason, sample in rows:
                entry = {"step": step, "file": file, "line": line, "reason": reason, "sample": sample}
                out.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
                self.quarantined += 1
                self.first_of_file.setdefault(file, entry)
                if len(samples) < SAMPLES_PER_STEP:
                    samples.append(entry)


def _inputs(request: OptimizeRequest) -> dict[str, str]:
    """The sha256 of everything the request names, by its field."""
    named = (
        (name, getattr(request, name))
        for name in ("source", "validation", "test", "pool", "split", "recipe", "feedback")
    )
    return {name: ref.sha256 for name, ref in named if ref is not None}


def removal(rows: pl.DataFrame, reasons: pl.Series | list[str | None]) -> Outcome:
    """Split rows by a reason per row; None keeps the row. Where all stay, the table itself is what is kept."""
    column = pl.Series("reason", reasons, dtype=pl.String)
    stays = column.is_null()
    kept = rows if stays.all() else rows.filter(stays)
    return kept, rows.filter(~stays).with_columns(column.drop_nulls())


def removal_where(rows: pl.DataFrame, faults: Mapping[str, Mask]) -> Outcome:
    """Split rows by masks of shape ``(rows,)``, one for each reason; of several reasons the first counts."""
    reasons = pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)
    for reason, mask in reversed([*faults.items()]):
        found = pl.Series(np.flatnonzero(mask))
        if len(found):
            reasons = reasons.scatter(found, pl.Series([reason]).new_from_index(0, len(found)))
    return removal(rows, reasons)


def _entries(removed: pl.DataFrame, *, secret: bool) -> Iterator[_Entry]:
    for row in removed.iter_rows(named=True):
        hidden = secret or row["file"] == "test" or row.get("role") in SEALED_ROLES
        yield (
            row["file"],
            row["line"],
            row["reason"],
            None if hidden else sample_of(f"{row['given']} => {row['wanted']}"),
        )
