from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from harness import ServiceProcess, train_request, wait_until

from wlops_common.contracts import JobProgress, JobStatus, ObjectRef
from wlops_common.jobs.process import JobProcess
from wlops_common.jobs.pulse import Pulse
from wlops_common.jobs.running import RunningJob, StopTimes
from wlops_common.jobs.store_waits import StoreWaits
from wlops_common.object_store import BucketAddress, S3ObjectStore

REF = ObjectRef(key="models/a", sha256="0" * 64)
OPERATIONS: dict[str, Callable[[S3ObjectStore, Path], object]] = {
    "read": lambda store, _: store.read(REF),
    "download": lambda store, folder: store.download(REF, folder / "a"),
    "put": lambda store, _: store.put(REF.key, b"a"),
    "upload": lambda store, _: store.upload(REF.key, Path(__file__)),
    "put_new": lambda store, _: store.put_new(REF.key, b"a"),
    "get": lambda store, _: store.get(REF.key),
    "size": lambda store, _: store.size(REF.key),
    "delete": lambda store, _: store.delete(REF.key),
}


def _told_nothing(progress: JobProgress) -> None:
    raise AssertionError(f"a wait is no progress: {progress}")


@pytest.fixture
def silent_bucket() -> Iterator[BucketAddress]:
    """Of a store that takes connections and answers nothing, as one that was stopped."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield BucketAddress("wlops", address, "us-east-1", "tests", "tests-secret")


def test_a_long_wait_is_told_and_then_what_the_job_did_before() -> None:
    told: list[JobProgress] = []
    waits = StoreWaits(told.append, told.append, told_after_seconds=0.05)
    before = JobProgress(stage="epoch 2 of 3", step=7, loss=0.5)
    waits.report(before)
    with waits.waiting():
        wait_until(lambda: len(told) == 2, "the wait to be told")
    assert [progress.stage for progress in told] == [
        "epoch 2 of 3",
        "epoch 2 of 3: waiting for the object store",
        "epoch 2 of 3",
    ]
    assert [progress.step for progress in told] == [7, 7, 7]


def test_a_short_one_is_not_and_no_thread_stays() -> None:
    told: list[JobProgress] = []
    waits = StoreWaits(told.append, told.append, told_after_seconds=30)
    began = time.monotonic()
    with waits.waiting():
        pass
    assert time.monotonic() - began < 10
    assert not [thread for thread in threading.enumerate() if thread.name == "store-wait"]
    assert told == []


def test_where_threads_are_short_the_store_is_asked_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    done = []
    with StoreWaits(lambda _: None, lambda _: None).waiting():
        done.append("asked")
    assert done == ["asked"]


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_each_operation_of_the_store_is_such_a_wait(
    silent_bucket: BucketAddress, tmp_path: Path, operation: str
) -> None:
    shown: list[JobProgress] = []
    waits = StoreWaits(_told_nothing, shown.append, told_after_seconds=0.05)
    store = S3ObjectStore(silent_bucket, read_timeout_seconds=0.5, attempts=1, waiting=waits.waiting)
    with pytest.raises(Exception, match="did not answer"):
        OPERATIONS[operation](store, tmp_path)
    store.close()
    stages = [progress.stage for progress in shown]
    assert stages[:2] == ["starting: waiting for the object store", "starting"]


def test_a_wait_is_shown_and_is_no_progress() -> None:
    reports = [{"progress": {"stage": "epoch 1", "step": 7}}, {"wait": {"stage": "epoch 1: waiting", "step": 7}}]
    process = cast("JobProcess", SimpleNamespace(read_reports=lambda: reports))
    pulse = Pulse(0, time.monotonic())
    status = cast("JobStatus", None)
    job = RunningJob(status, None, process, Path("log"), None, StopTimes(), pulse)
    assert job.read() == JobProgress(stage="epoch 1: waiting", step=7)
    assert job.told == {"epoch 1": 7}


def test_a_job_whose_store_is_silent_says_what_it_waits_for(silent_bucket: BucketAddress, tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path / "data", silent_bucket)
    try:
        job = service.submit(train_request("silent-store"))

        def stage() -> str:
            progress = service.status(job["jobId"])["progress"] or {}
            return str(progress.get("stage", ""))

        wait_until(lambda: "waiting for the object store" in stage(), "the wait to be told")
        assert stage() == "starting: waiting for the object store"
    finally:
        service.end()
