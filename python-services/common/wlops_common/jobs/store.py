"""The durable job store of one service: SQLite in WAL mode, every commit synced to disk, one owner process at a time.

The owner holds a file lock that dies with it, so whatever is `running` when a store is opened belongs to nobody and is put back to
`queued`. States are enforced by the triggers in ``schema.sql``. Not here: processes (``runner``), what a row says (``rows``), and how
attempts ended (``restarts``).
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from wlops_common.contracts import JobError, JobProgress, JobRequest, JobState, JobStatus
from wlops_common.errors import JobKeyConflict, JobNotFound, QueueFull
from wlops_common.jobs.ids import body_hash, parse_job_key
from wlops_common.jobs.restarts import Deaths, deaths_of, note_furthest, note_restart
from wlops_common.jobs.rows import FINISHED, end_row, find_row, is_same, status_of, status_without_restarts, utc_now

Order = Literal["cancel", "pause"]
_STATE_AFTER: dict[Order, JobState] = {"cancel": "cancelled", "pause": "paused"}


class JobStoreInUse(Exception):
    """Another process owns this job store."""


class JobStore:
    """Jobs of one service. Methods may be called from any thread; each is one transaction."""

    def __init__(
        self, path: Path, *, max_queued_jobs: int = 1000, on_end: Callable[[str], None] = lambda _job_id: None
    ) -> None:
        """Open or create the store. ``on_end`` is told the id of every job that has ended, when that is on disk.

        Raises ``JobStoreInUse`` when another process has it open.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock_file = path.with_name(f"{path.name}.lock").open("a")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            self._lock_file.close()
            raise JobStoreInUse(f"{path} is in use by another process; is this service running already?") from fault
        self._max_queued_jobs = max_queued_jobs
        self._on_end = on_end
        self._mutex = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(files("wlops_common.jobs").joinpath("schema.sql").read_text("utf-8"))

    def close(self) -> None:
        """Close the store and let others open it."""
        with self._mutex:
            self._connection.close()
            self._lock_file.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def submit(self, request: JobRequest, request_id: str | None = None) -> JobStatus:
        """Take a job in, or answer with the one that has this key already.

        A key that was cancelled before it arrived is born `cancelled`. Raises ``JobKeyConflict`` when the key came with another
        body before, ``QueueFull`` when too many jobs wait.
        """
        identity = parse_job_key(request.job_key)
        body = request.to_json()
        digest = body_hash(body)
        now = utc_now()
        with self._transaction() as db:
            known = db.execute("SELECT * FROM jobs WHERE job_id = ?", (identity.job_id,)).fetchone()
            if known is not None:
                if known["body_sha256"] != digest and not is_same(request, known["body"]):
                    raise JobKeyConflict(
                        f"The job key {request.job_key} was used before with another body.",
                        details={"jobKey": request.job_key, "jobId": identity.job_id},
                    )
                return status_of(db, known)
            is_dead = db.execute("SELECT 1 FROM tombstones WHERE job_id = ?", (identity.job_id,)).fetchone() is not None
            if not is_dead:
                self._refuse_when_full(db)
            db.execute(
                """INSERT INTO jobs (job_id, job_key, task_id, iteration, phase, segment, body, body_sha256, request_id,
                                     state, finished_at, created_at, updated_at)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                (
                    *(
                        identity.job_id,
                        identity.job_key,
                        identity.task_id,
                        identity.iteration,
                        identity.phase,
                        identity.segment,
                    ),
                    *(json.dumps(body, ensure_ascii=False), digest, request_id),
                    *("cancelled" if is_dead else "queued", now if is_dead else None, now, now),
                ),
            )
            return status_of(db, db.execute("SELECT * FROM jobs WHERE job_id = ?", (identity.job_id,)).fetchone())

    def _refuse_when_full(self, db: sqlite3.Connection) -> None:
        (waiting,) = db.execute("SELECT count(*) FROM jobs WHERE state = 'queued'").fetchone()
        if waiting >= self._max_queued_jobs:
            raise QueueFull(f"{waiting} jobs wait already; try again later.", details={"queued": waiting})

    def find(self, job_or_task_id: str) -> JobStatus:
        """The job with this id, else the latest job of the task with this id. Raises ``JobNotFound``."""
        with self._mutex:
            return status_of(self._connection, find_row(self._connection, job_or_task_id))

    def request_of(self, job_id: str) -> tuple[dict[str, Any], str | None]:
        """The body a job was submitted with and the id of the call that brought it. Raises ``JobNotFound``."""
        with self._mutex:
            row = find_row(self._connection, job_id)
        return json.loads(row["body"]), row["request_id"]

    def cancel(self, job_or_task_id: str) -> JobStatus | None:
        """End a waiting job, or tell a running one to end; finished jobs stay as they are.

        An unknown job id leaves a tombstone and answers None. An unknown task id raises ``JobNotFound``.
        """
        with self._transaction() as db:
            try:
                row = find_row(db, job_or_task_id)
            except JobNotFound:
                if not job_or_task_id.startswith("job_"):
                    raise
                db.execute("INSERT OR IGNORE INTO tombstones VALUES (?, ?)", (job_or_task_id, utc_now()))
                return None
            status = self._order(db, row, "cancel", "cancelled")
        return self._told(status)

    def pause(self, job_or_task_id: str) -> JobStatus:
        """Pause a waiting job, or tell a running one to; finished jobs stay as they are. Raises ``JobNotFound``."""
        with self._transaction() as db:
            status = self._order(db, find_row(db, job_or_task_id), "pause", "paused")
        return self._told(status)

    def _told(self, status: JobStatus) -> JobStatus:
        if status.state in FINISHED:
            self._on_end(status.job_id)
        return status

    def _order(self, db: sqlite3.Connection, row: sqlite3.Row, order: Order, state: JobState) -> JobStatus:
        now = utc_now()
        if row["state"] == "queued":
            db.execute(
                """UPDATE jobs SET state = ?, requested = ?, progress = NULL, finished_at = ?, updated_at = ?
                   WHERE number = ?""",
                (state, order, now, now, row["number"]),
            )
        elif row["state"] == "running" and row["requested"] != "cancel":
            db.execute("UPDATE jobs SET requested = ? WHERE number = ?", (order, row["number"]))
        return status_of(db, db.execute("SELECT * FROM jobs WHERE number = ?", (row["number"],)).fetchone())

    def has_waiting(self) -> bool:
        """Whether a job waits to be started."""
        with self._mutex:
            return self._connection.execute("SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1").fetchone() is not None

    def start_next(self) -> JobStatus | None:
        """Turn the job that waits longest into a running one with the next attempt number, or None when none waits."""
        now = utc_now()
        with self._transaction() as db:
            row = db.execute(
                """UPDATE jobs SET state = 'running', attempt = attempt + 1, progress = NULL,
                          started_at = coalesce(started_at, ?), updated_at = ?
                   WHERE number = (SELECT number FROM jobs WHERE state = 'queued' ORDER BY number LIMIT 1) RETURNING *""",
                (now, now),
            ).fetchone()
            return None if row is None else status_of(db, row)

    def live(self, limit: int | None = None) -> list[JobStatus]:
        """The jobs that wait or run, the oldest first, at most ``limit`` of them; without their restarts."""
        with self._mutex:
            rows = self._connection.execute(
                "SELECT * FROM jobs WHERE state IN ('queued', 'running') ORDER BY number LIMIT ?",
                (-1 if limit is None else limit,),
            ).fetchall()
        return [status_without_restarts(row) for row in rows]

    def fail_waiting(self, job_id: str, error: JobError) -> bool:
        """End a waiting job as failed; False where it does not wait any more."""
        now = utc_now()
        with self._transaction() as db:
            changed = db.execute(
                """UPDATE jobs SET state = 'failed', progress = NULL, error = ?, finished_at = ?, updated_at = ?
                   WHERE job_id = ? AND state = 'queued'""",
                (json.dumps(error.to_json(), ensure_ascii=False), now, now, job_id),
            ).rowcount
        if changed:
            self._on_end(job_id)
        return bool(changed)

    def order_of(self, job_id: str) -> Order | None:
        """What a job was told: to cancel, to pause, or nothing."""
        with self._mutex:
            order: Order | None = find_row(self._connection, job_id)["requested"]
        return order

    def record_progress(self, job_id: str, progress: JobProgress | None) -> None:
        """Move ``updatedAt``, and the progress when there is news."""
        text = None if progress is None else json.dumps(progress.to_json())
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET updated_at = ?, progress = coalesce(?, progress) WHERE job_id = ? AND state = 'running'",
                (utc_now(), text, job_id),
            )

    def finish(
        self, job_id: str, state: JobState, *, result: dict[str, Any] | None = None, error: JobError | None = None
    ) -> JobStatus:
        """End a running job for good, and answer its last status; one that has ended already stays as it is.

        One that was told to cancel while it saved for a pause is `cancelled`: nobody would resume it.
        """
        with self._transaction() as db:
            row = find_row(db, job_id)
            if state == "paused" and row["requested"] == "cancel":
                state = "cancelled"
            status = end_row(db, row, state, result, error)
        return self._told(status)

    def end_attempt(
        self,
        job_id: str,
        error: JobError | None,
        *,
        told: Mapping[str, int] | None = None,
        cause: Literal["process", "service"] = "process",
        exit_code: int | None = None,
        why: str | None = None,
    ) -> JobStatus:
        """After an attempt that gave no answer: the job waits again, or has failed with ``error``. Answers its status.

        One that was told to stop meanwhile ends as it was told, and one that has ended already stays as it is. ``told`` is how far
        the process that died had come, by stage; None when there was no process. ``why`` it ended is for people, and ``cause`` says
        whether that speaks against the job.
        """
        with self._transaction() as db:
            row = find_row(db, job_id)
            if row["requested"] is not None:
                status = end_row(db, row, _STATE_AFTER[row["requested"]])
            elif error is not None:
                status = end_row(db, row, "failed", error=error)
            elif row["state"] in FINISHED:
                status = status_of(db, row)
            else:
                now = utc_now()
                db.execute("UPDATE jobs SET state = 'queued', updated_at = ? WHERE job_id = ?", (now, job_id))
                if told is not None:
                    if cause == "process":
                        note_furthest(db, job_id, told)
                    note_restart(db, row, cause, now, told=bool(told), exit_code=exit_code, why=why)
                status = status_of(db, find_row(db, job_id))
        return self._told(status)

    def put_back(self, job_id: str) -> None:
        """A job whose process could not be started, for no fault of its own, waits again as if it had not been tried.

        One that was told to stop meanwhile ends as it was told.
        """
        with self._transaction() as db:
            row = find_row(db, job_id)
            if row["requested"] is None:
                db.execute(
                    """UPDATE jobs SET state = 'queued', attempt = attempt - 1, updated_at = ?,
                              started_at = CASE attempt WHEN 1 THEN NULL ELSE started_at END
                       WHERE number = ?""",
                    (utc_now(), row["number"]),
                )
                return
            status = end_row(db, row, _STATE_AFTER[row["requested"]])
        self._told(status)

    def deaths_of(self, job_id: str) -> Deaths:
        """What is known of the deaths of this job's processes."""
        with self._mutex:
            return deaths_of(self._connection, job_id)

    def requeue_running(self, why: str | None = None) -> list[str]:
        """Put running jobs back to `queued` and answer their ids; those told to cancel are `cancelled` instead.

        A job told to pause keeps that order: run again, it saves what the next segment needs and pauses at once. ``why`` is for people,
        where the service did not simply end.
        """
        now = utc_now()
        with self._transaction() as db:
            ended = db.execute(
                """UPDATE jobs SET state = 'cancelled', finished_at = ?, updated_at = ?
                   WHERE state = 'running' AND requested = 'cancel' RETURNING job_id""",
                (now, now),
            ).fetchall()
            rows = db.execute("SELECT * FROM jobs WHERE state = 'running'").fetchall()
            for row in rows:
                db.execute("UPDATE jobs SET state = 'queued', updated_at = ? WHERE number = ?", (now, row["number"]))
                note_restart(db, row, "service", now, why=why)
        for row in ended:
            self._on_end(row["job_id"])
        return [row["job_id"] for row in rows]

    def forget_finished_before(self, age: timedelta) -> list[str]:
        """Delete jobs that finished and tombstones that were set longer ago than ``age``; answers the ids of the jobs."""
        limit = (datetime.now(UTC) - age).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._transaction() as db:
            db.execute("DELETE FROM tombstones WHERE created_at < ?", (limit,))
            rows = db.execute("DELETE FROM jobs WHERE finished_at < ? RETURNING job_id", (limit,)).fetchall()
            for table in ("furthest", "restarts"):
                db.executemany(f"DELETE FROM {table} WHERE job_id = ?", [(row["job_id"],) for row in rows])  # noqa: S608 - a constant
            return [row["job_id"] for row in rows]

    def counts(self) -> dict[str, int]:
        """Number of jobs by state; states without jobs are left out."""
        with self._mutex:
            rows = self._connection.execute("SELECT state, count(*) AS jobs FROM jobs GROUP BY state").fetchall()
        return {row["state"]: row["jobs"] for row in rows}
