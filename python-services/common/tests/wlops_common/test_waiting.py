"""A request may wait for the end of a job: it is woken by that end, and holds no thread until then."""

from __future__ import annotations

import signal
import statistics
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from harness import ServiceProcess, train_request

from wlops_common.jobs.ids import job_id_of

TRAIN = "/api/v1/train"
#: More than the threads that the server lends to requests.
MANY = 60


def _ask(service: ServiceProcess, path: str, method: str = "GET") -> dict[str, Any]:
    # A client of its own: the test's one hands out few connections at a time.
    answer = httpx.request(method, f"{service.url}{TRAIN}{path}", auth=service.client.auth, timeout=40)
    assert answer.status_code == 200, answer.text
    status: dict[str, Any] = answer.json()
    return status


def _running(service: ServiceProcess, task_id: str, behaviour: str = "wait politely") -> str:
    job_id: str = service.submit(train_request(task_id, behaviour=behaviour))["jobId"]
    service.wait_until_told(job_id)
    return job_id


def test_a_status_waits_for_the_end_and_no_longer_than_asked(shared_service: ServiceProcess) -> None:
    job_id = _running(shared_service, "waited_for")
    began = time.monotonic()
    assert _ask(shared_service, f"/{job_id}?waitSeconds=0.4")["state"] == "running"
    assert 0.4 <= time.monotonic() - began < 3
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(_ask, shared_service, "/waited_for?waitSeconds=20")
        time.sleep(0.3)
        assert not waiting.done()
        _ask(shared_service, f"/{job_id}/cancel", "POST")
        assert waiting.result(timeout=5)["state"] == "cancelled"
    began = time.monotonic()
    assert _ask(shared_service, f"/{job_id}?waitSeconds=20")["state"] == "cancelled"
    assert time.monotonic() - began < 3


def test_the_answer_comes_with_the_end_and_not_with_the_next_look(shared_service: ServiceProcess) -> None:
    late, base = [], []
    for segment in range(9):
        # One write to the store and one answer, as at the end of a job: what the machine takes for these just now.
        began = time.monotonic()
        shared_service.client.post(f"{TRAIN}/{job_id_of(f'unknown/0/training/{segment}')}/cancel")
        base.append(time.monotonic() - began)
        job = shared_service.submit(train_request("prompt", segment))
        done = shared_service.client.get(f"{TRAIN}/{job['jobId']}?waitSeconds=20").json()
        assert done["state"] == "succeeded"
        late.append((datetime.now(UTC) - datetime.fromisoformat(done["finishedAt"])).total_seconds())
    # Whoever looked ten times a second would take fifty milliseconds more in the middle.
    assert statistics.median(late) < 2 * statistics.median(base) + 0.015, (late, base)
    # A socket that gathers small packets takes forty for each answer, however fast the machine is.
    assert min(base) < 0.04, base


def test_cancel_and_pause_give_their_order_at_once_and_wait_after_it(shared_service: ServiceProcess) -> None:
    job_id = _running(shared_service, "cancel_waits")
    assert _ask(shared_service, f"/{job_id}/cancel?waitSeconds=20", "POST")["state"] == "cancelled"
    job_id = _running(shared_service, "pause_waits")
    paused = _ask(shared_service, f"/{job_id}/pause?waitSeconds=20", "POST")
    assert (paused["state"], paused["result"]["checkpoint"]["key"]) == (
        "paused",
        "models/pause_waits/0/s0/attempt-1/checkpoint",
    )


@pytest.mark.parametrize("seconds", ["31", "-1", "nan", "inf", "soon"])
def test_a_wait_out_of_range_is_refused_and_gives_no_order(shared_service: ServiceProcess, seconds: str) -> None:
    job_id = _running(shared_service, f"range_{seconds.replace('-', 'm')}")
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/pause")):
        answer = shared_service.client.request(method, f"{TRAIN}/{job_id}{path}?waitSeconds={seconds}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_FAILED")
    assert shared_service.status(job_id)["state"] == "running"
    shared_service.client.post(f"{TRAIN}/{job_id}/cancel?waitSeconds=5")


def test_those_who_wait_hold_no_thread(shared_service: ServiceProcess) -> None:
    job_id = _running(shared_service, "crowded")
    with ThreadPoolExecutor(MANY) as pool:
        waiting: list[Future[dict[str, Any]]] = [
            pool.submit(_ask, shared_service, f"/{job_id}?waitSeconds=25") for _ in range(MANY)
        ]
        time.sleep(1)
        began = time.monotonic()
        assert shared_service.status(job_id)["state"] == "running"
        assert time.monotonic() - began < 3
        assert not any(one.done() for one in waiting)
        _ask(shared_service, f"/{job_id}/cancel", "POST")
        assert {one.result(timeout=10)["state"] for one in waiting} == {"cancelled"}


def test_a_service_that_is_told_to_stop_answers_those_who_wait(own_service: ServiceProcess) -> None:
    job_id = _running(own_service, "stopping")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(_ask, own_service, f"/{job_id}?waitSeconds=25")
        time.sleep(0.5)
        own_service.process.send_signal(signal.SIGTERM)
        # Who still waits when the server gives up on its requests gets no answer. The job may be back in the queue, for the next start.
        assert waiting.result(timeout=20)["state"] in {"running", "queued"}
    assert own_service.end() == 0
