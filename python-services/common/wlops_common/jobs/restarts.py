"""The attempts of a job that ended without an answer: for people, and to judge the next death by. Rows of the store's database.

Not here: transactions and states (``store``), the judgement (``deaths``).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from wlops_common.contracts import JobProgress, JobRestart

#: Of a job that was restarted more often, the latest restarts are told.
_RESTARTS_TOLD = 20
_ENDED = {"process": "its process ended without an answer", "service": "its service ended"}


class Deaths(NamedTuple):
    """What the attempts of a job that died without an answer have left known."""

    total: int
    #: The latest ones in a row that had told no progress.
    silent: int
    #: By stage, the furthest step that one of them had told of.
    furthest: dict[str, int]


def deaths_of(db: sqlite3.Connection, job_id: str) -> Deaths:
    """What is known of the deaths of this job's processes."""
    deaths = db.execute(
        "SELECT progress FROM restarts WHERE job_id = ? AND cause = 'process' ORDER BY attempt DESC", (job_id,)
    ).fetchall()
    furthest = db.execute("SELECT stage, step FROM furthest WHERE job_id = ?", (job_id,)).fetchall()
    was_silent = [_was_silent(json.loads(progress or "{}")) for (progress,) in deaths]
    silent = next((number for number, nothing_told in enumerate(was_silent) if not nothing_told), len(deaths))
    return Deaths(len(deaths), silent, dict(map(tuple, furthest)))


def _was_silent(progress: Mapping[str, Any]) -> bool:
    """Whether the attempt had told no progress; what was shown of it may be a wait."""
    return bool(progress.get("silent", "stage" not in progress))


def note_furthest(db: sqlite3.Connection, job_id: str, told: Mapping[str, int]) -> None:
    """Remember how far a process that died had come, by stage."""
    db.executemany(
        "INSERT INTO furthest VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET step = max(step, excluded.step)",
        [(job_id, stage, step) for stage, step in told.items()],
    )


def note_restart(
    db: sqlite3.Connection,
    row: sqlite3.Row,
    cause: Literal["process", "service"],
    now: str,
    *,
    told: bool = True,
    exit_code: int | None = None,
    why: str | None = None,
) -> None:
    """Write down that the attempt of this row's job ended, and let its progress say so until the next one tells of its own.

    ``told``: whether what it shows is progress of its own. ``why`` is for people, where there is more to say than which of the two ended.
    """
    last = json.loads(row["progress"] or "{}")
    if not told:
        last["silent"] = True
    if why is not None:
        last["why"] = why
    db.execute(
        "INSERT OR REPLACE INTO restarts (job_id, attempt, at, cause, exit_code, progress) VALUES (?, ?, ?, ?, ?, ?)",
        (row["job_id"], row["attempt"], now, cause, exit_code, json.dumps(last)),
    )
    progress = JobProgress(stage=f"starting again: {why or _ENDED[cause]}")
    db.execute("UPDATE jobs SET progress = ? WHERE number = ?", (json.dumps(progress.to_json()), row["number"]))


def restarts_of(db: sqlite3.Connection, job_id: str) -> list[JobRestart]:
    """The newest restarts of a job, the oldest of them first."""
    rows = db.execute(
        "SELECT * FROM restarts WHERE job_id = ? ORDER BY attempt DESC LIMIT ?", (job_id, _RESTARTS_TOLD)
    ).fetchall()
    return [_restart(row, json.loads(row["progress"] or "{}")) for row in reversed(rows)]


def _restart(row: sqlite3.Row, progress: Mapping[str, Any]) -> JobRestart:
    stage, why = progress.get("stage"), progress.get("why")
    if why is not None:
        stage = why if stage is None else f"{stage} ({why})"
    return JobRestart(
        attempt=row["attempt"],
        at=row["at"],
        cause=row["cause"],
        exit_code=row["exit_code"],
        stage=stage,
        step=progress.get("step"),
    )
