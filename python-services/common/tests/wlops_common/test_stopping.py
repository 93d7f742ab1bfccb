"""A service that is told to stop lets its jobs save what they have, and leaves them for the next start; it never takes long."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import ServiceProcess, is_running, train_request, wait_until

from wlops_common.object_store import BucketAddress, S3ObjectStore

#: More than a job of these tests needs to save, and more than a test may wait for one that does not.
LONG_SECONDS = "60"


@pytest.fixture
def patient(bucket: BucketAddress, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ServiceProcess]:
    """A service that waits long for jobs that save; its parameter is more of its environment."""
    environment = {"PROBE_SAVE_SECONDS": LONG_SECONDS, **getattr(request, "param", {})}
    service = ServiceProcess(tmp_path / "data", bucket, **environment)
    yield service
    service.end(signal.SIGKILL)


def _stored(service: ServiceProcess, job_id: str) -> dict[str, Any]:
    """What the store of a service that has ended says of a job, and of its restarts."""
    with sqlite3.connect(service.data_dir / "jobs/trainer.sqlite") as db:
        db.row_factory = sqlite3.Row
        job = dict(db.execute("SELECT * FROM jobs WHERE job_id = ?", (job_id,)).fetchone())
        restarts = db.execute("SELECT attempt, cause, progress FROM restarts WHERE job_id = ?", (job_id,)).fetchall()
    db.close()
    told = [(row["attempt"], row["cause"], json.loads(row["progress"])["stage"]) for row in restarts]
    return {"state": job["state"], "requested": job["requested"], "restarts": told}


def test_a_job_that_can_pause_saves_and_is_left_for_the_next_start(patient: ServiceProcess, s3: S3ObjectStore) -> None:
    job_id = patient.submit(train_request("saving", behaviour="wait politely"))["jobId"]
    patient.wait_until_told(job_id)
    assert patient.end() == 0
    assert s3.get("models/saving/0/s0/attempt-1/checkpoint") == b"state"
    assert _stored(patient, job_id) == {
        "state": "queued",
        "requested": None,
        "restarts": [(1, "service", "waiting")],
    }
    patient.start()
    patient.wait_until_told(job_id)
    paused = patient.client.post(f"/api/v1/train/{job_id}/pause?waitSeconds=20").json()
    assert (paused["state"], paused["attempt"]) == ("paused", 2)


def test_what_a_job_was_told_and_what_it_has_done_while_the_service_stops_holds(patient: ServiceProcess) -> None:
    paused = patient.submit(train_request("told", 0, behaviour="save slowly", seconds=1))["jobId"]
    done = patient.submit(train_request("told", 1, behaviour="finish when told"))["jobId"]
    for job_id in (paused, done):
        patient.wait_until_told(job_id)
    patient.client.post(f"/api/v1/train/{paused}/pause")
    assert patient.end() == 0
    assert _stored(patient, paused)["state"] == "paused"
    assert _stored(patient, done)["state"] == "succeeded"


def test_one_that_does_not_save_in_time_is_ended_and_begun_again(own_service: ServiceProcess) -> None:
    job = own_service.submit(train_request("unsaved", behaviour="wait once"))
    pids = own_service.wait_for_pids(job["jobId"])
    began = time.monotonic()
    assert own_service.end() == 0
    assert time.monotonic() - began < 10, "what a supervisor waits"
    assert not any(is_running(pid) for pid in pids)
    own_service.start()
    done = own_service.wait_for(job["jobId"], "succeeded")
    assert (done["attempt"], [one["cause"] for one in done["restarts"]]) == (2, ["service"])


@pytest.mark.parametrize("patient", [{"PROBE_CANNOT_PAUSE": "1"}], indirect=True)
def test_where_jobs_cannot_pause_they_are_ended_at_once(patient: ServiceProcess) -> None:
    job = patient.submit(train_request("unable", behaviour="wait once"))
    pids = patient.wait_for_pids(job["jobId"])
    assert patient.end() == 0, "long before it would have waited enough"
    assert not any(is_running(pid) for pid in pids)
    assert _stored(patient, job["jobId"])["state"] == "queued"


@pytest.mark.parametrize("again", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_is_told_twice_waits_for_nobody(patient: ServiceProcess, again: signal.Signals) -> None:
    job = patient.submit(train_request("twice_told", behaviour="save slowly", seconds=60))
    patient.wait_until_told(job["jobId"])
    patient.process.send_signal(signal.SIGTERM)
    log_file = patient.data_dir / "logs/jobs" / f"{job['jobId']}.log"
    wait_until(lambda: "saving" in log_file.read_text(), "its saving")
    assert patient.end(again) == 0, "long before it would have waited enough"
    assert _stored(patient, job["jobId"])["state"] == "queued"
