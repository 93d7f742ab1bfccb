"""Jobs that wait or run can be listed, and one that nobody asks about is stopped: its caller may be gone for good."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import ServiceProcess, is_running, train_request, wait_until

from wlops_common.jobs.leases import Leases
from wlops_common.object_store import BucketAddress

TRAIN = "/api/v1/train"
LEASE_SECONDS = 2.0


def _live(service: ServiceProcess) -> list[dict[str, Any]]:
    answer = service.client.get(f"{TRAIN}?live=true")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.fixture
def forgetful(bucket: BucketAddress, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ServiceProcess]:
    """A service with short leases that runs one job at a time; its parameter is more of its environment."""
    service = ServiceProcess(
        tmp_path,
        bucket,
        WLOPS_JOB_LEASE_SECONDS=str(LEASE_SECONDS),
        WLOPS_MAX_JOBS="1",
        **getattr(request, "param", {}),
    )
    yield service
    service.end()


def test_jobs_that_wait_or_run_are_listed_the_oldest_first_and_ended_ones_are_not(own_service: ServiceProcess) -> None:
    own_service.wait_for(own_service.submit(train_request("listed", 9))["jobId"], "succeeded")
    jobs = [own_service.submit(train_request("listed", segment, behaviour="wait politely")) for segment in (3, 1, 2)]
    own_service.wait_for(jobs[1]["jobId"], "running")
    items = _live(own_service)
    assert [item["jobId"] for item in items] == [job["jobId"] for job in jobs]
    assert [item["state"] for item in items] == ["running", "running", "queued"]
    assert items[2] == own_service.status(jobs[2]["jobId"])


@pytest.mark.parametrize("query", ["", "?live=false", "?live=1", "?live="])
def test_others_than_the_live_ones_are_not_listed(shared_service: ServiceProcess, query: str) -> None:
    answer = shared_service.client.get(f"{TRAIN}{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_FAILED")


def test_a_job_that_nobody_asks_about_is_paused_with_what_it_has_and_a_waiting_one_without(
    forgetful: ServiceProcess,
) -> None:
    running = forgetful.submit(train_request("forgotten", 0, behaviour="wait politely"))
    # Nobody asks about it any more, so that it is forgotten before the other leaves it the slot.
    waiting = forgetful.submit(train_request("forgotten", 1))
    # That has begun: one that still imports has nothing to save.
    forgetful.wait_until_told(running["jobId"])
    # Listing them does not count as asking.
    wait_until(lambda: _live(forgetful) == [], "the end of both")
    paused = forgetful.status(running["jobId"])
    assert (paused["state"], paused["result"]["checkpoint"]["key"]) == (
        "paused",
        "models/forgotten/0/s0/attempt-1/checkpoint",
    )
    paused = forgetful.status(waiting["jobId"])
    assert (paused["state"], paused["result"], paused["attempt"]) == ("paused", None, 0)


@pytest.mark.parametrize("forgetful", [{"PROBE_CANNOT_PAUSE": "1"}], indirect=True)
@pytest.mark.parametrize("behaviour", ["wait politely", "wait deafly"])
def test_where_jobs_cannot_pause_it_fails_and_can_be_run_again(forgetful: ServiceProcess, behaviour: str) -> None:
    running = forgetful.submit(train_request("dropped", 0, behaviour=behaviour))
    # Forgotten before the other leaves it the slot, as above.
    waiting = forgetful.submit(train_request("dropped", 1))
    forgetful.wait_until_told(running["jobId"])
    pids = forgetful.wait_for_pids(running["jobId"]) if behaviour == "wait deafly" else []
    wait_until(lambda: _live(forgetful) == [], "the end of both")
    for job in (running, waiting):
        failed = forgetful.status(job["jobId"])
        assert failed["state"] == "failed"
        assert (failed["error"]["code"], failed["error"]["retryable"]) == ("JOB_ABANDONED", True)
    assert not any(is_running(pid) for pid in pids)


def test_a_job_that_somebody_asks_about_goes_on(forgetful: ServiceProcess) -> None:
    asked = forgetful.submit(train_request("asked", 0, behaviour="wait politely"))
    waited_for = forgetful.submit(train_request("asked", 1, behaviour="wait politely"))
    until = time.monotonic() + 2 * LEASE_SECONDS
    while time.monotonic() < until:
        assert forgetful.status(asked["jobId"])["state"] in ("queued", "running")
        assert forgetful.submit(train_request("asked", 1, behaviour="wait politely"))["state"] == "queued"
        time.sleep(0.2)
    assert [item["jobId"] for item in _live(forgetful)] == [asked["jobId"], waited_for["jobId"]]
    cancelled = forgetful.client.post(f"{TRAIN}/{asked['jobId']}/cancel?waitSeconds=5").json()
    assert cancelled["state"] == "cancelled", "an order of the user's is not mistaken for an abandoned job"


def test_leases_begin_when_a_job_is_first_seen_and_end_unless_they_are_off() -> None:
    leases, off = Leases(10.0), Leases(0)
    assert leases.are_due(100.0)
    assert not leases.are_due(100.9)
    assert leases.are_due(101.0)
    assert leases.expired(["a", "b"], 100.0) == []
    assert leases.expired(["a"], 109.9) == []
    assert leases.expired(["a", "b"], 110.0) == ["a"], "one that was gone in between begins anew"
    assert not off.are_due(100.0)


def test_a_job_that_somebody_waits_for_goes_on_however_long_the_wait(forgetful: ServiceProcess) -> None:
    job = forgetful.submit(train_request("awaited", 0, behaviour="wait politely"))
    seconds = 2 * LEASE_SECONDS
    answer = forgetful.client.get(f"{TRAIN}/{job['jobId']}?waitSeconds={seconds}").json()
    assert answer["state"] == "running"


def test_a_lease_begins_anew_when_the_last_one_who_waits_has_gone() -> None:
    leases = Leases(10.0)
    leases.renew("a")
    began = time.monotonic()
    with leases.waited_for("a"):
        with leases.waited_for("a"):
            assert leases.expired(["a"], began + 1000) == []
        assert leases.expired(["a"], began + 1000) == []
    assert leases.expired(["a"], time.monotonic() + 9) == []
    assert leases.expired(["a"], time.monotonic() + 11) == ["a"]


def test_without_leases_nobody_remembers_who_was_asked_about() -> None:
    leases, off = Leases(10.0), Leases(0)
    for one in (leases, off):
        one.renew("a")
    assert list(leases._asked) == ["a"]
    assert list(off._asked) == []
