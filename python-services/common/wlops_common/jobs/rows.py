"""Rows of the table of jobs: found by job or task, ended, and read as a status. Not here: transactions (``store``)."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from wlops_common.contracts import JobError, JobRequest, JobState, JobStatus
from wlops_common.errors import JobNotFound
from wlops_common.jobs.restarts import restarts_of

FINISHED: frozenset[str] = frozenset({"succeeded", "failed", "cancelled", "paused"})


def utc_now() -> str:
    """The time as ISO 8601 UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def find_row(db: sqlite3.Connection, job_or_task_id: str) -> sqlite3.Row:
    """The job with this id, else the latest job of the task with this id. Raises ``JobNotFound``."""
    row = db.execute("SELECT * FROM jobs WHERE job_id = ?", (job_or_task_id,)).fetchone()
    if row is None:
        row = db.execute(
            "SELECT * FROM jobs WHERE task_id = ? ORDER BY number DESC LIMIT 1", (job_or_task_id,)
        ).fetchone()
    if row is None:
        raise JobNotFound(
            f"There is no job {job_or_task_id}, nor a job of a task with that id.", details={"id": job_or_task_id}
        )
    found: sqlite3.Row = row
    return found


def end_row(
    db: sqlite3.Connection,
    row: sqlite3.Row,
    state: JobState,
    result: dict[str, Any] | None = None,
    error: JobError | None = None,
) -> JobStatus:
    """The status of a job that now ends in ``state``, unless it has ended before."""
    if row["state"] not in FINISHED:
        now = utc_now()
        row = db.execute(
            """UPDATE jobs SET state = ?, result = ?, error = ?, finished_at = ?, updated_at = ?
               WHERE number = ? RETURNING *""",
            (
                state,
                None if result is None else json.dumps(result, ensure_ascii=False),
                None if error is None else json.dumps(error.to_json(), ensure_ascii=False),
                now,
                now,
                row["number"],
            ),
        ).fetchone()
    return status_of(db, row)


def is_same(request: JobRequest, stored: str) -> bool:
    """Whether a stored body is this request, though it was written by a version whose requests lacked some field of today's."""
    try:
        return type(request).model_validate_json(stored) == request
    except ValidationError:
        return False


def status_of(db: sqlite3.Connection, row: sqlite3.Row) -> JobStatus:
    """What a row says, with the restarts of its job."""
    status = status_without_restarts(row)
    return status.model_copy(update={"restarts": restarts_of(db, row["job_id"])}) if status.attempt > 0 else status


def status_without_restarts(row: sqlite3.Row) -> JobStatus:
    """What a row says."""

    def parsed(column: str) -> Any:
        return None if row[column] is None else json.loads(row[column])

    plain = ("job_id", "job_key", "task_id", "iteration", "phase", "segment", "state", "attempt")
    times = ("created_at", "started_at", "finished_at", "updated_at")
    return JobStatus.model_validate(
        {name: row[name] for name in (*plain, *times)}
        | {name: parsed(name) for name in ("progress", "result", "error")}
    )
