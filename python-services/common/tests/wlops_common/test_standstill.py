"""A job that stands still is found out and begun again; one that computes in silence, or whose service was stopped with it, is not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from harness import ServiceProcess, is_running, train_request, wait_until

from wlops_common.jobs.living import processor_seconds
from wlops_common.jobs.pulse import Pulse
from wlops_common.object_store import BucketAddress

STANDSTILL_SECONDS = 3


@pytest.fixture
def watchful(bucket: BucketAddress, tmp_path: Path) -> Iterator[ServiceProcess]:
    """A service with one place for jobs, in which none may stand still for long."""
    service = ServiceProcess(tmp_path, bucket, WLOPS_MAX_JOBS="1", WLOPS_JOB_STANDSTILL_SECONDS=str(STANDSTILL_SECONDS))
    yield service
    service.end()


def test_a_job_that_stands_still_is_ended_and_run_again(watchful: ServiceProcess) -> None:
    job = watchful.submit(train_request("stopped", behaviour="wait once"))
    (pid,) = watchful.wait_for_pids(job["jobId"])
    os.kill(pid, signal.SIGSTOP)
    done = watchful.wait_for(job["jobId"], "succeeded")
    assert not is_running(pid)
    (restart,) = done["restarts"]
    assert (restart["attempt"], restart["cause"], restart["exitCode"]) == (1, "process", -signal.SIGKILL)
    assert restart["stage"] == f"pids {pid} (its process stood still)"


def test_one_that_stands_still_at_the_same_place_again_has_crashed(watchful: ServiceProcess) -> None:
    job = watchful.submit(train_request("still_twice", behaviour="stop itself"))
    failed = watchful.wait_for(job["jobId"], "failed")
    assert (failed["attempt"], failed["error"]["code"]) == (2, "JOB_CRASHED")
    assert "stood still" in failed["error"]["message"]


def test_one_that_computes_in_silence_is_let_alone(watchful: ServiceProcess) -> None:
    job = watchful.submit(train_request("busy", behaviour="compute"))
    done = watchful.wait_for(job["jobId"], "succeeded")
    assert (done["attempt"], done["restarts"]) == (1, [])


def _heartbeat_age(service: ServiceProcess) -> float:
    found = re.search(
        r"^wlops_job_heartbeat_age_seconds\{.*\} (.+)$", service.client.get("/metrics").text, re.MULTILINE
    )
    assert found is not None
    return float(found[1])


def test_the_age_of_the_heartbeat_grows_while_a_job_stands_still_and_not_while_it_works(
    own_service: ServiceProcess,
) -> None:
    assert _heartbeat_age(own_service) == 0
    job = own_service.submit(train_request("aging", behaviour="wait once"))
    (pid,) = own_service.wait_for_pids(job["jobId"])
    began = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: _heartbeat_age(own_service) > 6, "the age of one that was stopped")
    assert time.monotonic() - began > 4, "it was seen alive before, at the last look at the latest"
    # It is there, and its service follows it: that is what this time says.
    before = own_service.status(job["jobId"])["updatedAt"]
    wait_until(lambda: own_service.status(job["jobId"])["updatedAt"] > before, "a heartbeat of the service")
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: _heartbeat_age(own_service) < 4, "the age of one that works again")


def test_what_counts_is_the_time_between_looks_that_follow_one_another() -> None:
    pulse = Pulse(60, 0)
    pulse.look({1: 2.5}, 2)
    for now in range(4, 62, 2):
        pulse.look({1: 2.5}, now)
        assert not pulse.stands_still
    # The service was stopped together with the job, and has seen nothing of it.
    restful = Pulse(60, 0)
    restful.look({1: 2.5}, 2)
    restful.look({1: 2.5}, 5000)
    assert not restful.stands_still
    pulse.look({1: 2.5}, 62)
    assert (pulse.stands_still, pulse.seen) == (True, 2)


@pytest.mark.parametrize("used", [{1: 2.500001}, {1: 2.5, 2: 0.0}, {}, None])
def test_any_use_of_a_processor_is_a_sign_and_so_is_no_measure(used: dict[int, float] | None) -> None:
    pulse = Pulse(6, 0)
    for now in (2, 4, 6):
        pulse.look({1: 2.5}, now)
    pulse.look(used, 8)
    assert (pulse.stands_still, pulse.seen) == (False, 8)


def test_without_a_limit_nothing_stands_still() -> None:
    pulse = Pulse(0, 0)
    for now in range(2, 100, 2):
        pulse.look({1: 2.5}, now)
    assert (pulse.stands_still, pulse.seen) == (False, 2)


def test_processor_time_is_that_of_the_processes_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert processor_seconds(tmp_path) == {}
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"], cwd=tmp_path)
    try:
        first = wait_until(lambda: processor_seconds(tmp_path), "the process")
        wait_until(lambda: processor_seconds(tmp_path) != first, "its work")
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, "its standing still")
        last = processor_seconds(tmp_path)
        assert last is not None
        assert last[process.pid] > first[process.pid]
        assert processor_seconds(tmp_path) == last
        monkeypatch.setattr("sys.platform", "darwin")
        assert processor_seconds(tmp_path) is None
    finally:
        process.kill()
        process.wait()
