"""Work that an earlier segment has done, and whose job was lost, is taken over and not done again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import ServiceProcess, train_request

from wlops_common.contracts import TrainRequest
from wlops_common.manifest import find_manifest
from wlops_common.object_store import S3ObjectStore


def _later(task_id: str, *earlier: str, segment: int = 5, behaviour: str = "fail") -> TrainRequest:
    """A segment that can end well only by taking something over."""
    request = train_request(task_id, segment, behaviour=behaviour)
    return TrainRequest.model_validate({**request.to_json(), "earlierPrefixes": [f"models/{one}/" for one in earlier]})


def _done(service: ServiceProcess, request: TrainRequest) -> dict[str, Any]:
    return service.wait_for(service.submit(request)["jobId"], "succeeded")


def test_the_newest_segment_that_committed_is_taken_over(shared_service: ServiceProcess, s3: S3ObjectStore) -> None:
    for segment in (0, 1):
        _done(shared_service, train_request("adopted", segment))
    done = _done(shared_service, _later("adopted", "adopted/0/s2", "adopted/0/s1", "adopted/0/s0"))
    found = find_manifest(s3, "models/adopted/0/s1/")
    assert found is not None
    assert done["result"]["model"] == found[0].to_json()
    assert done["result"]["modelPath"] == "models/adopted/0/s1/attempt-1/"
    assert find_manifest(s3, "models/adopted/0/s5/") is None
    assert "taken over" in shared_service.client.get(f"/api/v1/train/{done['jobId']}/log").text


def test_its_own_output_comes_before_that_of_earlier_segments(shared_service: ServiceProcess) -> None:
    _done(shared_service, train_request("own_first", 0))
    request = _later("own_first", "own_first/0/s0", behaviour="succeed")
    other = TrainRequest.model_validate(
        {**request.to_json(), "earlierPrefixes": [], "hyperparameters": {"behaviour": "succeed", "die_after_commit": 1}}
    )
    done = _done(shared_service, other)
    assert (done["attempt"], done["result"]["modelPath"]) == (2, "models/own_first/0/s5/attempt-1/")


@pytest.mark.parametrize(
    "facts",
    [
        {"jobKey": "another/0/training/0", "result": {}},
        {"jobKey": "wrong_1/1/training/0", "result": {}},
        {"jobKey": "wrong_2/0/evaluation/0", "result": {}},
        {"jobKey": "wrong_3/0/training/0"},
        {"surprise": True},
    ],
    ids=range(5),
)  # fmt: skip
def test_what_belongs_to_another_task_iteration_or_phase_or_is_no_result_is_passed_over(
    shared_service: ServiceProcess, s3: S3ObjectStore, request: pytest.FixtureRequest, facts: dict[str, Any]
) -> None:
    number = request.node.callspec.id
    manifest = {"createdAt": "2026-01-01T00:00:00.000Z", "files": [], **facts}
    s3.put(f"models/wrong_{number}/0/s0/manifest.json", json.dumps(manifest).encode())
    done = _done(shared_service, _later(f"wrong_{number}", f"wrong_{number}/0/s0", behaviour="succeed"))
    assert done["result"]["modelPath"] == f"models/wrong_{number}/0/s5/attempt-1/"
    assert "passed over" in shared_service.client.get(f"/api/v1/train/{done['jobId']}/log").text


def test_a_prefix_that_leads_elsewhere_is_refused(shared_service: ServiceProcess) -> None:
    body = {**train_request("elsewhere").to_json(), "earlierPrefixes": ["models/a/0/s0/", "../up/"]}
    answer = shared_service.client.post("/api/v1/train", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["fields"][0]["field"] == "earlierPrefixes.1"
