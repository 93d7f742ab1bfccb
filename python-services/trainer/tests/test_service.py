"""The trainer as a real service on a real bucket: paused and killed in whatever it does, it loses nothing and is gone in time."""

from __future__ import annotations

import itertools
import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from harness import ServiceProcess, is_running, s3_server, wait_until

from trainer.tests.support import Jobs, intent_rows, without_times
from wlops_common.contracts import ObjectRef, TrainRequest, TrainResult
from wlops_common.object_store import BucketAddress, S3ObjectStore

#: From the order to the end of the process, for a small model.
MOST_SECONDS = 2.0
#: Long enough to be disturbed: some four seconds on a machine that does nothing else, with a checkpoint every one or two.
SETTINGS: dict[str, Any] = {
    "epochs": 4,
    "batch_size": 2,
    "hidden_size": 1024,
    "early_stopping_patience": 9,
    "checkpoint_interval_seconds": 1,
}
STEPS_PER_EPOCH = 500
#: Jobs compute with low priority, so on a machine with much else to do they take many times as long.
PATIENCE_SECONDS = 120.0
pytestmark = pytest.mark.timeout(600)
Made = Callable[..., TrainRequest]


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketAddress]:
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture(scope="module")
def make(bucket: BucketAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """``make(task_id, segment, …)`` is a request of a task of its own."""
    jobs = Jobs(tmp_path_factory.mktemp("jobs"))
    store = S3ObjectStore(bucket)
    jobs.store = store  # type: ignore[assignment]

    def made(task_id: str, segment: int = 0, *, rows: int = 1000, mine: int = 300, **changes: Any) -> TrainRequest:
        request = jobs.request(intent_rows(rows), intent_rows(mine, seed=2), segment=segment, **SETTINGS)
        prefixes = [f"models/{task_id}/0/s{number}/" for number in range(segment, -1, -1)]
        identity = {"job_key": f"{task_id}/0/training/{segment}", "task_id": task_id}
        return request.model_copy(
            update={**identity, "output_prefix": prefixes[0], "earlier_prefixes": prefixes[1:], **changes}
        )

    yield made
    store.close()


@pytest.fixture(scope="module")
def service(bucket: BucketAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    running = ServiceProcess(
        tmp_path_factory.mktemp("data"), bucket, ("-m", "trainer"), WLOPS_TRAINER_PORT="0", WLOPS_MAX_JOBS="1"
    )
    yield running
    running.end()


@pytest.fixture(scope="module")
def expected(service: ServiceProcess, make: Made) -> TrainResult:
    """What a training ends with that nobody disturbs."""
    return finished(service, service.submit(make("undisturbed"))["jobId"])


def finished(service: ServiceProcess, job_id: str) -> TrainResult:
    def ended() -> dict[str, Any] | None:
        status = service.status(job_id)
        assert status["state"] in ("queued", "running", "succeeded"), status
        return status if status["state"] == "succeeded" else None

    return TrainResult.model_validate(wait_until(ended, "the end of the training", PATIENCE_SECONDS)["result"])


def job_processes(service: ServiceProcess) -> list[int]:
    """The living processes that work in the service's scratch folder."""
    work = service.data_dir / "work"
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(work) and is_running(process.pid):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def wait_for_step(service: ServiceProcess, job_id: str, step: int) -> None:
    def reached() -> bool:
        status = service.status(job_id)
        assert status["state"] in ("queued", "running"), status
        return bool((status["progress"] or {}).get("step", 0) >= step)

    wait_until(reached, f"step {step}", PATIENCE_SECONDS)


def wait_for_stage(service: ServiceProcess, job_id: str, stage: str) -> None:
    wait_until(lambda: (service.status(job_id)["progress"] or {}).get("stage") == stage, stage, PATIENCE_SECONDS)


def pause(service: ServiceProcess, job_id: str) -> tuple[dict[str, Any] | None, float]:
    """Pause, and answer the result and how long it took until nothing of the job lived."""
    began = time.monotonic()
    paused = service.client.post(f"/api/v1/train/{job_id}/pause?waitSeconds=20").json()
    seconds = time.monotonic() - began
    assert paused["state"] == "paused", paused
    assert job_processes(service) == []
    return paused["result"], seconds


def test_paused_in_each_epoch_it_ends_with_the_same_weights_and_figures(
    service: ServiceProcess, make: Made, expected: TrainResult
) -> None:
    resume_from, times = None, []
    steps = (1, STEPS_PER_EPOCH // 2, STEPS_PER_EPOCH + 1, 2 * STEPS_PER_EPOCH, 3 * STEPS_PER_EPOCH - 100)
    for segment, step in enumerate(steps):
        job = service.submit(make("paused", segment, resume_from=resume_from))
        wait_for_step(service, job["jobId"], step)
        result, seconds = pause(service, job["jobId"])
        assert result is not None
        assert result["step"] >= step
        times.append(seconds)
        resume_from = ObjectRef.model_validate(result["checkpoint"])
    last = service.submit(make("paused", len(steps), resume_from=resume_from))
    assert without_times(finished(service, last["jobId"])) == without_times(expected)
    assert statistics.median(times) < MOST_SECONDS, times


@pytest.mark.parametrize("stage", ["start", "reading rows", "preparing the model"])
def test_paused_before_it_trains_it_is_gone_at_once_with_nothing_to_hand_over(
    service: ServiceProcess, make: Made, stage: str
) -> None:
    assert pause_in(service, make(f"early_{stage.split(maxsplit=1)[0]}", rows=40_000), stage) is None


@pytest.mark.parametrize("stage", ["start", "preparing the model"])
def test_paused_before_it_trains_it_hands_over_the_checkpoint_it_was_given(
    service: ServiceProcess, make: Made, stage: str
) -> None:
    given = ObjectRef(key="models/early/0/s0/attempt-1/checkpoint-9/manifest.json", sha256="0" * 64)
    request = make(f"given_{stage.split(maxsplit=1)[0]}", rows=40_000, resume_from=given)
    assert pause_in(service, request, stage) == {"checkpoint": given.to_json()}


def pause_in(service: ServiceProcess, request: TrainRequest, stage: str) -> dict[str, Any] | None:
    """Pause a training in this stage, and answer the result; its process must be gone at once.

    Give it enough rows for the preparation to take seconds, all of them in one call that looks for nothing.
    """
    job = service.submit(request)
    if stage == "start":
        wait_until(lambda: job_processes(service), "its process", PATIENCE_SECONDS)
    else:
        wait_for_stage(service, job["jobId"], stage)
    result, seconds = pause(service, job["jobId"])
    assert seconds < MOST_SECONDS
    return result


def test_a_killed_process_of_a_training_goes_on_from_its_last_checkpoint(
    service: ServiceProcess, make: Made, expected: TrainResult
) -> None:
    job = service.submit(make("killed_child"))
    wait_until(lambda: "checkpoint saved" in log_of(service, "killed_child"), "a checkpoint", PATIENCE_SECONDS)
    (pid,) = job_processes(service)
    os.kill(pid, signal.SIGKILL)
    assert without_times(finished(service, job["jobId"])) == without_times(expected)
    assert service.status(job["jobId"])["attempt"] == 2
    assert "training continues" in log_of(service, "killed_child")


@pytest.mark.parametrize("is_store_lost", [False, True])
def test_a_killed_service_redoes_no_more_than_since_the_last_checkpoint(
    bucket: BucketAddress, tmp_path: Path, make: Made, expected: TrainResult, is_store_lost: bool
) -> None:
    task_id = f"killed_service_{is_store_lost}"
    service = ServiceProcess(tmp_path, bucket, ("-m", "trainer"), WLOPS_TRAINER_PORT="0")
    try:
        job = service.submit(make(task_id))
        wait_until(lambda: "checkpoint saved" in log_of(service, task_id), "a checkpoint", PATIENCE_SECONDS)
        service.end(signal.SIGKILL)
        if is_store_lost:
            for file in (tmp_path / "jobs").iterdir():
                file.unlink()
        service.start()
        if is_store_lost:
            assert service.client.get(f"/api/v1/train/{job['jobId']}").status_code == 404
            job = service.submit(make(task_id, 1))
        assert without_times(finished(service, job["jobId"])) == without_times(expected)
        assert "training continues" in log_of(service, task_id)
    finally:
        service.end()


def test_a_service_that_is_told_to_stop_goes_on_from_the_step_it_had(
    bucket: BucketAddress, tmp_path: Path, make: Made, expected: TrainResult
) -> None:
    request = make("told_to_stop")
    never = {**request.hyperparameters, "checkpoint_interval_seconds": 3600}
    service = ServiceProcess(tmp_path, bucket, ("-m", "trainer"), WLOPS_TRAINER_PORT="0")
    try:
        job = service.submit(request.model_copy(update={"hyperparameters": never}))
        wait_for_step(service, job["jobId"], STEPS_PER_EPOCH // 2)
        assert service.end() == 0
        assert job_processes(service) == []
        service.start()
        result = finished(service, job["jobId"])
        assert result.resumed_from_step is not None
        assert result.resumed_from_step >= STEPS_PER_EPOCH // 2
        assert without_times(result) == without_times(expected)
        (restart,) = service.status(job["jobId"])["restarts"]
        assert (restart["cause"], restart["step"] <= result.resumed_from_step) == ("service", True)
        assert log_of(service, "told_to_stop").count("checkpoint saved") == 1
    finally:
        service.end()


def test_a_pause_that_cannot_save_in_time_ends_and_goes_on_from_an_older_checkpoint(
    tmp_path: Path, make: Made, bucket: BucketAddress
) -> None:
    with s3_server_elsewhere(tmp_path, bucket) as (own_bucket, stop_bucket, copy):
        service = ServiceProcess(
            tmp_path / "data", own_bucket, ("-m", "trainer"), WLOPS_TRAINER_PORT="0", WLOPS_PAUSE_SAVE_SECONDS="2"
        )
        try:
            request = make("unsaved")
            copy(request)
            job = service.submit(request)
            wait_for_step(service, job["jobId"], 1)
            stop_bucket()
            result, seconds = pause(service, job["jobId"])
            assert result is None
            assert 2.0 <= seconds < 5.0
        finally:
            service.end()


class s3_server_elsewhere:  # noqa: N801 - used as the function it stands for
    """A bucket that can be stopped, with ``copy(request)`` to put the rows of a request there."""

    def __init__(self, tmp_path: Path, source: BucketAddress) -> None:
        self._folder = tmp_path / "own-s3"
        self._folder.mkdir()
        self._source = source
        self._server = s3_server(self._folder)
        self._stopped: list[int] = []

    def __enter__(self) -> tuple[BucketAddress, Callable[[], None], Callable[[TrainRequest], None]]:
        before = set(_children())
        address = self._server.__enter__()
        (self._pid,) = set(_children()) - before

        def stop() -> None:
            os.kill(self._pid, signal.SIGSTOP)
            self._stopped.append(self._pid)

        def copy(request: TrainRequest) -> None:
            source, target = S3ObjectStore(self._source), S3ObjectStore(address)
            for ref in itertools.chain([request.train], [request.mine] if request.mine else []):
                target.put(ref.key, source.read(ref))

        return address, stop, copy

    def __exit__(self, *_: object) -> None:
        for pid in self._stopped:
            os.kill(pid, signal.SIGCONT)
        self._server.__exit__(None, None, None)


def _children() -> list[int]:
    return [child.pid for child in psutil.Process().children()]


def log_of(service: ServiceProcess, task_id: str) -> str:
    return service.client.get(f"/api/v1/train/{task_id}/log").text
