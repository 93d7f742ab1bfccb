"""The book of one optimisation: for each step rows in and out, why rows went, samples, seconds; and the quarantine list.

Texts of sealed rows never enter it: of those only file, line and reason are kept, because the training side can read this book.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import polars as pl

from data_optimizer.parsing.table import BadRow, sample_of
from wlops_common.contracts import FileReading, OptimizationStep
from wlops_common.job_context import JobContext

#: Kept rows, and removed rows with the column ``reason``.
Outcome: TypeAlias = tuple[pl.DataFrame, pl.DataFrame]
Step: TypeAlias = Callable[[pl.DataFrame], Outcome]

SAMPLES_PER_STEP = 20
SEALED_ROLES = ("select", "test")
_SECONDS_DIGITS = 3


class Journal:
    """Runs steps and writes down what they did."""

    def __init__(self, context: JobContext, total_steps: int) -> None:
        self.steps: list[OptimizationStep] = []
        self.quarantine: list[dict[str, Any]] = []
        self.facts: dict[str, Any] = {}
        self.files: list[FileReading] = []
        self._samples: dict[str, list[dict[str, Any]]] = {}
        self._context = context
        self._total_steps = total_steps
        self._began = time.monotonic()

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

    def record(
        self,
        name: str,
        rows_in: int,
        rows_out: int,
        removed: pl.DataFrame | None,
        started: float,
        *,
        secret: bool = False,
    ) -> None:
        """Write down a finished step; ``removed`` has the column ``reason``."""
        reasons: dict[str, int] = {}
        for row in removed.iter_rows(named=True) if removed is not None else ():
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
            hidden = secret or row["file"] == "test" or row.get("role") in SEALED_ROLES
            self._set_aside(name, row["file"], row["line"], row["reason"], None if hidden else _shown(row))
        self._append(name, rows_in, rows_out, reasons, started)

    def record_parsing(self, name: str, file: str, rows_in: int, bad: Iterable[BadRow], started: float) -> None:
        """Write down how a file was read."""
        reasons: dict[str, int] = {}
        for row in bad:
            reason = row.reason.partition(":")[0]
            reasons[reason] = reasons.get(reason, 0) + 1
            self._set_aside(name, file, row.line, row.reason, None if file == "test" else row.sample)
        self._append(name, rows_in, rows_in - sum(reasons.values()), reasons, started)

    def to_log(self) -> dict[str, Any]:
        """The optimisation log as JSON-ready dict."""
        return {
            "steps": [{**step.to_json(), "samples": self._samples.get(step.name, [])} for step in self.steps],
            "quarantined": len(self.quarantine),
            **self.facts,
        }

    def quarantine_lines(self) -> bytes:
        """``quarantine.jsonl``: one JSON object per row that was set aside, in the order of the steps."""
        return b"".join(json.dumps(entry, ensure_ascii=False).encode() + b"\n" for entry in self.quarantine)

    def _append(self, name: str, rows_in: int, rows_out: int, reasons: dict[str, int], started: float) -> None:
        seconds = round(time.monotonic() - started, _SECONDS_DIGITS)
        removed = dict(sorted(reasons.items()))
        self.steps.append(
            OptimizationStep(name=name, rows_in=rows_in, rows_out=rows_out, removed=removed, seconds=seconds)
        )
        self._context.log("step", step=name, rowsIn=rows_in, rowsOut=rows_out, removed=removed, seconds=seconds)

    def _set_aside(self, step: str, file: str, line: int | None, reason: str, sample: str | None) -> None:
        entry = {"step": step, "file": file, "line": line, "reason": reason, "sample": sample}
        self.quarantine.append(entry)
        samples = self._samples.setdefault(step, [])
        if len(samples) < SAMPLES_PER_STEP:
            samples.append(entry)


def removal(rows: pl.DataFrame, reasons: list[str | None]) -> Outcome:
    """Split rows by a reason per row; None keeps the row."""
    marked = rows.with_columns(pl.Series("reason", reasons, dtype=pl.String))
    return marked.filter(pl.col("reason").is_null()).drop("reason"), marked.filter(pl.col("reason").is_not_null())


def _shown(row: dict[str, Any]) -> str:
    return sample_of(f"{row['given']} => {row['wanted']}")
