"""The routes of a running service, from the outside."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from harness import ServiceProcess, train_request

from wlops_common.http_errors import MAX_BODY_BYTES
from wlops_common.object_store import BucketAddress

TRAIN = "/api/v1/train"


def test_the_same_submit_twice_answers_with_one_job_and_another_body_conflicts(shared_service: ServiceProcess) -> None:
    request = train_request("twice")
    first = shared_service.submit(request)
    body = json.dumps(dict(reversed(request.to_json().items())), indent=3)
    again = shared_service.client.post(TRAIN, content=body, headers={"Content-Type": "application/json"})
    assert (again.status_code, again.json()["jobId"]) == (202, first["jobId"])
    other = shared_service.client.post(TRAIN, json=train_request("twice", learning_rate=1).to_json())
    assert (other.status_code, other.json()["error"]["code"]) == (409, "JOB_KEY_CONFLICT")


def test_an_unknown_job_is_lost_not_failed(shared_service: ServiceProcess) -> None:
    for method, path in (("GET", "/none"), ("GET", "/none/log"), ("POST", "/none/cancel"), ("POST", "/job_none/pause")):
        answer = shared_service.client.request(method, f"{TRAIN}{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "JOB_NOT_FOUND")


def test_waiting_answers_200_when_finished_and_202_when_not(shared_service: ServiceProcess) -> None:
    done = shared_service.client.post(f"{TRAIN}/sync", json=train_request("sync").to_json())
    assert (done.status_code, done.json()["state"]) == (200, "succeeded")
    body = train_request("sync_slow", behaviour="wait politely").to_json()
    began = time.monotonic()
    waiting = shared_service.client.post(f"{TRAIN}/sync?waitSeconds=0.5", json=body)
    assert waiting.status_code == 202
    assert waiting.json()["state"] in ("queued", "running")
    assert 0.5 <= time.monotonic() - began < 5
    shared_service.client.post(f"{TRAIN}/sync_slow/cancel")
    assert shared_service.client.post(f"{TRAIN}/sync?waitSeconds=301", json=body).status_code == 422


@pytest.mark.parametrize(
    "key",
    [
        "../up", "a/../../b", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1/x", "s3://b/k", "a//b", "a/./b", "a\\b", "a%2e%2e/b",
        "a\u0000b", "a\n", "a b", "a#b", "ａ/b", "a/..", "", ".", "~/x", "a" * 2000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["train.key", "outputPrefix", "mine.key"])
def test_keys_that_lead_elsewhere_are_refused_by_field(shared_service: ServiceProcess, field: str, key: str) -> None:
    body = train_request("traversal").to_json()
    if field == "outputPrefix":
        body["outputPrefix"] = key + "/"
    else:
        body[field.removesuffix(".key")] = {"key": key, "sha256": "0" * 64, "rows": 1}
    answer = shared_service.client.post(TRAIN, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"] == "VALIDATION_FAILED"
    assert field in [fault["field"] for fault in answer.json()["error"]["details"]["fields"]]


def test_a_key_that_disagrees_with_the_fields_or_the_service_is_refused(shared_service: ServiceProcess) -> None:
    body = train_request("right").to_json()
    for changes, field in (
        ({"taskId": "wrong"}, "taskId"),
        ({"segment": 9}, "segment"),
        ({"jobKey": "right/0/evaluation/0"}, "jobKey"),
        ({"jobKey": "right/0/training/0/x"}, "jobKey"),
        ({"unknownField": 1}, "unknownField"),
    ):
        answer = shared_service.client.post(TRAIN, json={**body, **changes})
        assert answer.status_code == 422
        assert answer.json()["error"]["details"]["fields"][0]["field"] == field


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"text"'])
def test_a_body_that_is_no_request_is_refused(shared_service: ServiceProcess, content: bytes) -> None:
    answer = shared_service.client.post(TRAIN, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "VALIDATION_FAILED")


def test_a_body_beyond_all_need_is_refused_with_and_without_a_length(shared_service: ServiceProcess) -> None:
    large = b" " * (MAX_BODY_BYTES + 1)

    def chunks() -> Iterator[bytes]:
        yield from (large[start : start + 65536] for start in range(0, len(large), 65536))

    for content in (large, chunks()):
        answer = shared_service.client.post(TRAIN, content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "REQUEST_TOO_LARGE")


def test_a_full_queue_answers_429_with_retry_after(bucket: BucketAddress, tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path, bucket, WLOPS_MAX_JOBS="1", WLOPS_MAX_QUEUED_JOBS="1")
    try:
        running = service.submit(train_request("full", 0, behaviour="wait politely"))
        service.wait_for(running["jobId"], "running")
        service.submit(train_request("full", 1))
        answer = service.client.post(TRAIN, json=train_request("full", 2).to_json())
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "QUEUE_FULL")
        assert int(answer.headers["Retry-After"]) > 0
    finally:
        service.end()


def test_the_request_id_of_the_caller_comes_back_and_a_bad_one_is_replaced(shared_service: ServiceProcess) -> None:
    given = shared_service.client.get(f"{TRAIN}/none", headers={"X-Request-Id": "abc-1"})
    assert given.headers["X-Request-Id"] == given.json()["error"]["requestId"] == "abc-1"
    replaced = shared_service.client.get(f"{TRAIN}/none", headers={"X-Request-Id": "<script>"})
    assert replaced.headers["X-Request-Id"] != "<script>"


def test_health_is_open_and_readiness_says_why_not(bucket: BucketAddress, tmp_path: Path) -> None:
    elsewhere = BucketAddress(
        "no-such-bucket", bucket.endpoint, "us-east-1", bucket.access_key_id, bucket.secret_access_key
    )
    service = ServiceProcess(tmp_path, elsewhere)
    try:
        assert httpx.get(f"{service.url}/livez").status_code == 200
        answer = httpx.get(f"{service.url}/readyz")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "NOT_READY")
        assert "object store" in answer.json()["error"]["details"]["reasons"][0]
    finally:
        service.end()


def test_a_ready_service_says_so_and_shows_metrics_and_openapi(shared_service: ServiceProcess) -> None:
    assert httpx.get(f"{shared_service.url}/readyz").status_code == 200
    assert "wlops_job_heartbeat_age_seconds" in httpx.get(f"{shared_service.url}/metrics").text
    assert TRAIN in httpx.get(f"{shared_service.url}/openapi.json").json()["paths"]
    assert httpx.get(f"{shared_service.url}/docs").status_code == 200
