"""One job, one live run and one manifest, whoever else believes to be at it: another attempt, another service, a segment that is past."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from harness import ServiceProcess, train_request
from probe_service import DEFINITION

from wlops_common.contracts import Message, ObjectRef, TrainRequest, TrainResult
from wlops_common.jobs.context import JobSurroundings, RunningJobContext
from wlops_common.jobs.outcome import Outcome, outcome_of
from wlops_common.manifest import find_manifest
from wlops_common.object_store import BucketAddress, S3ObjectStore

ROUNDS = 20


def _work(bucket: BucketAddress, request: TrainRequest, attempt: int, folder: Path, ready: Barrier) -> Outcome:
    """One attempt: it does its work, which is its own, and commits in the same moment as the others."""
    store = S3ObjectStore(bucket)
    surroundings = JobSurroundings(lambda _: None, lambda _: None, lambda: None)
    context = RunningJobContext(request, store, folder, surroundings, attempt=attempt)

    def run() -> Message:
        weights = store.put(f"{context.attempt_prefix}model.bin", f"weights of {attempt}".encode())
        facts = {
            "modelPath": context.attempt_prefix,
            "weightsSha256": weights.sha256,
            "parameters": attempt,
            "steps": 1,
            "epochs": 1.0,
            "trainLoss": None,
            "mineLoss": None,
            "lossCurve": [],
            "seconds": 0.1,
        }
        ready.wait()
        manifest = context.commit({"model.bin": weights}, result=facts)
        return TrainResult.model_validate({**facts, "model": manifest})

    try:
        return outcome_of(DEFINITION, run, lambda fault: pytest.fail(repr(fault)))
    finally:
        store.close()


def test_of_attempts_that_commit_in_one_moment_one_wins_and_the_others_take_its_result_over(
    bucket: BucketAddress, s3: S3ObjectStore, tmp_path: Path
) -> None:
    for number in range(ROUNDS):
        request = train_request("attempts", number)
        ready = Barrier(3, timeout=30)
        with ThreadPoolExecutor(3) as pool:
            attempts = [pool.submit(_work, bucket, request, attempt, tmp_path, ready) for attempt in (1, 2, 3)]
            outcomes = [attempt.result() for attempt in attempts]
        assert [outcome.state for outcome in outcomes] == ["succeeded"] * 3
        results = [TrainResult.model_validate(outcome.result) for outcome in outcomes]
        assert results[0] == results[1] == results[2]
        found = find_manifest(s3, request.output_prefix)
        assert found is not None
        ref, manifest = found
        assert results[0].model == ref
        assert s3.read(manifest.file("model.bin")) == f"weights of {results[0].parameters}".encode()


@pytest.fixture
def two_services(bucket: BucketAddress, tmp_path: Path) -> Iterator[tuple[ServiceProcess, ServiceProcess]]:
    """Two services on one bucket that know nothing of each other, as when one was believed dead."""
    services = tuple(ServiceProcess(tmp_path / name, bucket) for name in ("past", "present"))
    yield services[0], services[1]
    for service in services:
        service.end()


def test_a_job_that_two_services_run_is_committed_once(
    two_services: tuple[ServiceProcess, ServiceProcess], s3: S3ObjectStore
) -> None:
    request = train_request("doubled", behaviour="race")
    jobs = [service.submit(request) for service in two_services]
    for service, job in zip(two_services, jobs, strict=True):
        service.wait_until_told(job["jobId"])
    s3.put(f"{request.output_prefix}go", b"")
    done = [
        service.wait_for(job["jobId"], "succeeded")["result"] for service, job in zip(two_services, jobs, strict=True)
    ]
    assert done[0] == done[1]
    found = find_manifest(s3, request.output_prefix)
    assert found is not None
    assert done[0]["model"] == found[0].to_json()


def test_a_segment_that_is_past_commits_nothing_of_the_one_that_followed(
    two_services: tuple[ServiceProcess, ServiceProcess], s3: S3ObjectStore
) -> None:
    past, present = two_services
    stale = train_request("stale", 0, behaviour="race")
    stale_job = past.submit(stale)
    past.wait_until_told(stale_job["jobId"])
    later = train_request("stale", 1).model_copy(update={"earlier_prefixes": [stale.output_prefix]})
    result = present.wait_for(present.submit(later)["jobId"], "succeeded")["result"]
    committed = find_manifest(s3, later.output_prefix)
    s3.put(f"{stale.output_prefix}go", b"")
    stale_result = past.wait_for(stale_job["jobId"], "succeeded")["result"]
    assert ObjectRef.model_validate(stale_result["model"]).key == "models/stale/0/s0/manifest.json"
    assert committed is not None
    assert find_manifest(s3, later.output_prefix) == committed
    assert result["model"] == committed[0].to_json()
    # Nor does a third segment do the work again: the newest that committed is what it takes over.
    third = train_request("stale", 2, behaviour="fail").model_copy(
        update={"earlier_prefixes": [later.output_prefix, stale.output_prefix]}
    )
    assert present.wait_for(present.submit(third)["jobId"], "succeeded")["result"] == result


@pytest.mark.parametrize("killed", ["service", "process"])
def test_an_attempt_finds_nothing_of_the_one_before_alive(own_service: ServiceProcess, killed: str) -> None:
    job = own_service.submit(train_request(f"witness_{killed}", behaviour="witness"))
    pids = own_service.wait_for_pids(job["jobId"])
    assert len(pids) == 3
    if killed == "service":
        own_service.end(signal.SIGKILL)
        own_service.start()
    else:
        os.kill(pids[0], signal.SIGKILL)
    assert own_service.wait_for(job["jobId"], "succeeded")["attempt"] == 2
    lines = own_service.client.get(f"/api/v1/train/{job['jobId']}/log").text.splitlines()
    (told,) = [json.loads(line) for line in lines if '"witness"' in line and '"alive"' in line]
    assert told["alive"] == []
