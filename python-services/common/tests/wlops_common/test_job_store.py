from __future__ import annotations

import itertools
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import get_args

import pytest
from harness import train_request

from wlops_common.contracts import JobProgress, JobState, TrainRequest
from wlops_common.errors import JobKeyConflict, JobNotFound, QueueFull
from wlops_common.jobs.ids import body_hash, job_id_of
from wlops_common.jobs.store import JobStore, JobStoreInUse

STATES: tuple[JobState, ...] = get_args(JobState)
ALLOWED = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("queued", "paused"),
    ("queued", "failed"),
    ("running", "queued"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("running", "paused"),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    opened = JobStore(tmp_path / "jobs.sqlite", max_queued_jobs=3)
    yield opened
    opened.close()


def test_the_job_id_is_a_function_of_the_key() -> None:
    key = "task_1/0/training/0"
    assert job_id_of(key) == "job_" + sha256(key.encode()).hexdigest()[:32]


def test_the_same_key_and_body_answer_with_the_same_job(store: JobStore) -> None:
    first = store.submit(train_request())
    again = store.submit(TrainRequest.model_validate(dict(reversed(train_request().to_json().items()))))
    assert again == first
    assert store.counts() == {"queued": 1}


def test_the_same_key_with_another_body_is_a_conflict_and_changes_nothing(store: JobStore) -> None:
    first = store.submit(train_request())
    with pytest.raises(JobKeyConflict):
        store.submit(train_request(learning_rate=0.1))
    assert store.find(first.job_id) == first


@pytest.mark.parametrize("newer", ["resumeFrom", "earlierPrefixes"])
def test_a_body_that_a_version_without_todays_newest_field_wrote_is_still_the_same(
    store: JobStore, tmp_path: Path, newer: str
) -> None:
    first = store.submit(train_request())
    body = {name: value for name, value in train_request().to_json().items() if name != newer}
    with sqlite3.connect(tmp_path / "jobs.sqlite") as db:
        db.execute("UPDATE jobs SET body = ?, body_sha256 = ?", (json.dumps(body), body_hash(body)))
    assert store.submit(train_request()) == first
    with pytest.raises(JobKeyConflict):
        store.submit(train_request(learning_rate=0.1))
    with sqlite3.connect(tmp_path / "jobs.sqlite") as db:
        db.execute("UPDATE jobs SET body = '{}', body_sha256 = 'x'")
    with pytest.raises(JobKeyConflict):
        store.submit(train_request())


def test_more_jobs_than_may_wait_are_refused_but_known_ones_are_not(store: JobStore) -> None:
    for segment in range(3):
        store.submit(train_request(segment=segment))
    with pytest.raises(QueueFull):
        store.submit(train_request(segment=3))
    assert store.submit(train_request(segment=0)).state == "queued"


def test_a_task_id_means_its_latest_job(store: JobStore) -> None:
    store.submit(train_request(segment=5))
    latest = store.submit(train_request(segment=2))
    store.submit(train_request("task_2"))
    assert store.find("task_1") == latest
    with pytest.raises(JobNotFound):
        store.find("task_3")


def test_jobs_start_in_the_order_they_came(store: JobStore) -> None:
    keys = [store.submit(train_request(segment=segment)).job_key for segment in (2, 0, 1)]
    started = [job.job_key for job in iter(store.start_next, None)]
    assert started == keys


def test_a_key_cancelled_before_it_arrives_is_born_cancelled_and_never_starts(store: JobStore) -> None:
    assert store.cancel(job_id_of("task_1/0/training/0")) is None
    assert store.submit(train_request()).state == "cancelled"
    assert store.start_next() is None


def test_cancelling_an_unknown_task_leaves_nothing_behind(store: JobStore) -> None:
    with pytest.raises(JobNotFound):
        store.cancel("task_1")
    assert store.submit(train_request()).state == "queued"


def test_a_waiting_job_ends_at_once_and_a_running_one_is_told(store: JobStore) -> None:
    waiting = store.submit(train_request(segment=0))
    assert (cancelled := store.cancel(waiting.job_id)) is not None
    assert cancelled.state == "cancelled"
    running = store.submit(train_request(segment=1))
    store.start_next()
    assert store.pause(running.job_id).state == "running"
    assert store.order_of(running.job_id) == "pause"
    store.cancel(running.job_id)
    store.pause(running.job_id)
    assert store.order_of(running.job_id) == "cancel", "a cancel is final"


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_the_database_itself_allows_exactly_the_legal_transitions(
    tmp_path: Path, before: JobState, after: JobState
) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    job = store.submit(train_request())
    if before != "queued":
        store.start_next()
    if before not in ("queued", "running"):
        store.finish(job.job_id, before)
    finished = before not in ("queued", "running")
    try:
        if (before, after) in ALLOWED or (before == after and not finished):
            store._connection.execute("UPDATE jobs SET state = ?", (after,))
            assert store.find(job.job_id).state == after
        else:
            with pytest.raises(sqlite3.IntegrityError):
                store._connection.execute("UPDATE jobs SET state = ?", (after,))
    finally:
        store.close()


def test_a_finished_job_never_changes(store: JobStore) -> None:
    job = store.submit(train_request())
    store.start_next()
    done = store.finish(job.job_id, "succeeded", result={"seconds": 1})
    store.cancel(job.job_id)
    store.record_progress(job.job_id, JobProgress(stage="late"))
    assert store.finish(job.job_id, "failed") == done, "who ends it a second time learns how it ended"
    assert store.end_attempt(job.job_id, None) == done
    assert store.find(job.job_id) == done


def test_a_cancel_that_comes_while_a_job_saves_for_a_pause_wins(store: JobStore) -> None:
    job = store.submit(train_request())
    store.start_next()
    store.pause(job.job_id)
    store.cancel(job.job_id)
    assert store.finish(job.job_id, "paused", result={"checkpoint": None}).state == "cancelled"
    other = store.submit(train_request(segment=1))
    store.start_next()
    store.cancel(other.job_id)
    assert store.finish(other.job_id, "succeeded", result={}).state == "succeeded", "what is done is done"


def test_running_jobs_are_taken_up_again_with_the_next_attempt(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite")
    kept, cancelled = (store.submit(train_request(segment=segment)) for segment in range(2))
    assert [store.start_next(), store.start_next()] != [None, None]
    store.record_progress(kept.job_id, JobProgress(stage="epoch 1 of 2", step=7))
    store.cancel(cancelled.job_id)
    store.close()

    reopened = JobStore(tmp_path / "jobs.sqlite")
    assert reopened.requeue_running() == [kept.job_id]
    assert reopened.find(cancelled.job_id).state == "cancelled"
    waiting = reopened.find(kept.job_id).progress
    assert waiting is not None
    assert waiting.stage == "starting again: its service ended"
    again = reopened.start_next()
    assert again is not None
    assert (again.job_id, again.attempt, again.progress) == (kept.job_id, 2, None)
    (restart,) = again.restarts
    told = (restart.attempt, restart.cause, restart.exit_code, restart.stage, restart.step)
    assert told == (1, "service", None, "epoch 1 of 2", 7)
    # One that is ended before it tells of anything has no step of the one before it.
    reopened.requeue_running()
    assert [(one.attempt, one.stage) for one in reopened.find(kept.job_id).restarts] == [(1, "epoch 1 of 2"), (2, None)]
    reopened.close()


def test_of_many_restarts_the_latest_are_told(store: JobStore) -> None:
    job_id = store.submit(train_request()).job_id
    for _ in range(25):
        store.start_next()
        store.requeue_running()
    assert [restart.attempt for restart in store.find(job_id).restarts] == list(range(6, 26))
    store.cancel(job_id)
    assert store.find(job_id).progress is None
    assert store.forget_finished_before(timedelta(seconds=-1)) == [job_id]
    store.submit(train_request())
    store.start_next()
    assert store.find(job_id).restarts == []


def test_a_death_is_silent_when_its_attempt_told_nothing_though_a_wait_was_shown(store: JobStore) -> None:
    job_id = store.submit(train_request()).job_id
    for told in ({"reading rows": 0}, {}, {}):
        store.start_next()
        store.record_progress(job_id, JobProgress(stage="starting: waiting for the object store"))
        store.end_attempt(job_id, None, told=told, exit_code=-9)
    assert store.deaths_of(job_id) == (3, 2, {"reading rows": 0})
    # Whose end was its service's is no death of its own.
    store.start_next()
    store.end_attempt(job_id, None, told={}, cause="service", why="a reason")
    assert store.deaths_of(job_id) == (3, 2, {"reading rows": 0})
    last = store.find(job_id).restarts[-1]
    assert (last.cause, last.stage) == ("service", "a reason")


def test_a_store_has_one_owner_and_is_free_when_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    code = f"""
from pathlib import Path
from wlops_common.jobs.store import JobStore
store = JobStore(Path({str(path)!r}))
print("open", flush=True)
input()
"""
    owner = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"open\n"
    with pytest.raises(JobStoreInUse, match="another process"):
        JobStore(path)
    owner.kill()
    owner.communicate()
    JobStore(path).close()


def test_every_commit_is_synced_to_disk(store: JobStore) -> None:
    assert store._connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert store._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_old_finished_jobs_are_forgotten_and_unfinished_ones_never(store: JobStore) -> None:
    done = store.submit(train_request(segment=0))
    store.cancel(done.job_id)
    waiting = store.submit(train_request(segment=1))
    assert store.forget_finished_before(timedelta(days=1)) == []
    assert store.forget_finished_before(timedelta(seconds=-1)) == [done.job_id]
    assert store.find(waiting.job_id).state == "queued"


def test_the_body_comes_back_as_it_was(store: JobStore) -> None:
    job = store.submit(train_request(behaviour="größer"), request_id="r1")
    body, request_id = store.request_of(job.job_id)
    assert json.loads(json.dumps(body)) == train_request(behaviour="größer").to_json()
    assert request_id == "r1"
