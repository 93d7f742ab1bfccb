"""A system that is short of something holds jobs up and fails none of them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from harness import ServiceProcess, is_running, train_request, wait_until

from wlops_common.jobs.shortages import assure_enough_to_start, shortage_of
from wlops_common.object_store import BucketAddress

SHORT = f"waiting: {os.strerror(11).lower()}"
STARTER_ENDED = "waiting: the process that starts jobs ended"


@pytest.fixture
def service(bucket: BucketAddress, tmp_path: Path) -> Iterator[ServiceProcess]:
    """One that can be made short of processes."""
    made = ServiceProcess(tmp_path, bucket, PROBE_PRELOAD="short_of_processes")
    yield made
    made.end()


def _stage(service: ServiceProcess, job_id: str) -> str:
    return str((service.status(job_id)["progress"] or {}).get("stage"))


def _forkserver(service: ServiceProcess) -> psutil.Process | None:
    children = psutil.Process(service.process.pid).children(recursive=True)
    return next((one for one in children if any("forkserver" in word for word in one.cmdline())), None)


def test_where_threads_are_short_nothing_is_started_and_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assure_enough_to_start()
    descriptors, begin, begun = len(list(Path("/proc/self/fd").iterdir())), threading.Thread.start, []

    def refuse_the_third(thread: threading.Thread) -> None:
        if len(begun) == 2:
            raise RuntimeError("can't start new thread")
        begun.append(thread)
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_the_third)
    with pytest.raises(OSError, match="unavailable") as short:
        assure_enough_to_start()
    assert shortage_of(short.value) == SHORT
    assert not any(thread.is_alive() for thread in begun)
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_a_process_that_cannot_be_forked_is_tried_again_and_what_ran_is_run_again(service: ServiceProcess) -> None:
    running = service.submit(train_request("running", behaviour="wait politely"))
    service.wait_until_told(running["jobId"])
    short = service.data_dir / "no-fork"
    short.touch()
    asked = service.submit(train_request("asked"))
    wait_until(lambda: _stage(service, asked["jobId"]) == STARTER_ENDED, "the reason to be told")
    short.unlink()
    assert service.wait_for(asked["jobId"], "succeeded")["error"] is None
    wait_until(lambda: service.status(running["jobId"])["state"] == "running", "the other job to run again")
    (restart,) = service.status(running["jobId"])["restarts"]
    assert (restart["cause"], restart["exitCode"]) == ("service", None)
    assert restart["stage"] == "waiting (the process that starts jobs ended)"


def test_a_process_that_gets_no_thread_is_not_counted(service: ServiceProcess) -> None:
    short = service.data_dir / "no-thread"
    short.touch()
    job = service.submit(train_request("threadless"))
    wait_until(lambda: _stage(service, job["jobId"]) == SHORT, "the reason to be told")
    short.unlink()
    done = service.wait_for(job["jobId"], "succeeded")
    assert (done["attempt"], done["restarts"]) == (1, [])


def test_a_job_that_exits_as_if_its_forkserver_had_ended_is_held_to_account(service: ServiceProcess) -> None:
    job = service.submit(train_request("blameless", behaviour="exit as if lost"))
    failed = service.wait_for(job["jobId"], "failed")
    assert (failed["error"]["code"], failed["attempt"]) == ("JOB_CRASHED", 3)
    assert {restart["cause"] for restart in failed["restarts"]} == {"process"}


def test_however_often_the_forkserver_dies_its_jobs_are_not_to_blame(service: ServiceProcess) -> None:
    job = service.submit(train_request("outlives", behaviour="wait politely"))
    for attempt in range(1, 5):
        wait_until(
            lambda: (
                (status := service.status(job["jobId"]))["attempt"] == attempt  # noqa: B023 - asked at once
                and status["state"] == "running"
                and _stage(service, job["jobId"]) == "waiting"
            ),
            f"attempt {attempt}",
        )
        forkserver = _forkserver(service)
        assert forkserver is not None
        forkserver.send_signal(signal.SIGKILL)
        wait_until(lambda: not is_running(forkserver.pid), "its end")  # noqa: B023 - asked at once
    told = wait_until(lambda: service.status(job["jobId"])["restarts"][3:], "the fourth restart")
    assert {restart["cause"] for restart in told} == {"service"}
    assert service.client.post(f"/api/v1/train/{job['jobId']}/cancel?waitSeconds=10").json()["state"] == "cancelled"
