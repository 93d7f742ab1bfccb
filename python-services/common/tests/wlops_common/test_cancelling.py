"""A cancelled job is gone when its state says so, soon, whatever it was doing; and so is what it left open in the bucket."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from harness import ServiceProcess, is_running, train_request, wait_until

from wlops_common.jobs.forkserver import CONTEXT
from wlops_common.jobs.janitor import Janitor
from wlops_common.jobs.living import kill_all, living_processes
from wlops_common.jobs.open_uploads import UploadNotes
from wlops_common.object_store import BucketAddress, S3ObjectStore

#: From the request to the answer that a deaf job is gone: it is killed after 0.6 s, and after a whole one if the runner only looked
#: twice a second. The best of several, for other programs may hold up any one of them.
DEAF_SECONDS = 0.9
#: Long after every order, for any single one on a machine with much else to do; a job that is not killed lives for a minute.
MOST_SECONDS = 5.0


def _cancel(service: ServiceProcess, job_id: str) -> float:
    """Cancel, and answer how long it took until the service said that the job is gone."""
    began = time.monotonic()
    answer = service.client.post(f"/api/v1/train/{job_id}/cancel?waitSeconds=10")
    seconds = time.monotonic() - began
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled"), answer.text
    return seconds


@pytest.fixture
def uploads(bucket: BucketAddress) -> Iterator[Any]:
    """Asks as the bucket's owner which uploads in parts are open."""
    client = boto3.client(
        "s3",
        endpoint_url=bucket.endpoint,
        region_name=bucket.region,
        aws_access_key_id=bucket.access_key_id,
        aws_secret_access_key=bucket.secret_access_key,
    )
    yield lambda: [one["Key"] for one in client.list_multipart_uploads(Bucket=bucket.bucket).get("Uploads", [])]
    client.close()


def test_a_job_deaf_to_everything_is_gone_with_all_it_started_when_the_answer_comes(
    shared_service: ServiceProcess,
) -> None:
    times = []
    for segment in range(5):
        job = shared_service.submit(train_request("deaf_cancel", segment, behaviour="wait deafly"))
        pids = shared_service.wait_for_pids(job["jobId"])
        assert len(pids) == 3
        times.append(_cancel(shared_service, job["jobId"]))
        assert [pid for pid in pids if is_running(pid)] == []
    assert min(times) < DEAF_SECONDS, times
    assert max(times) < MOST_SECONDS, times


def test_a_job_is_cancelled_within_the_time_at_any_moment_of_its_start(shared_service: ServiceProcess) -> None:
    times = []
    for moment in range(10):
        job = shared_service.submit(train_request("young", moment, behaviour="wait politely"))
        time.sleep(moment * 0.03)
        times.append(_cancel(shared_service, job["jobId"]))
    assert max(times) < MOST_SECONDS, times


def test_a_job_that_came_before_the_forkserver_was_warm_is_cancelled_at_once(
    bucket: BucketAddress, tmp_path: Path
) -> None:
    service = ServiceProcess(tmp_path, bucket, PROBE_PRELOAD="slow_to_import")
    try:
        job = service.submit(train_request("cold", behaviour="wait deafly"))
        time.sleep(0.3)
        waiting = service.status(job["jobId"])
        assert (waiting["state"], waiting["progress"]["stage"]) == ("queued", "waiting until libraries are loaded")
        _cancel(service, job["jobId"])
        done = service.submit(train_request("cold", 1))
        told = wait_until(lambda: service.status(done["jobId"])["progress"], "what the next one waits for")
        assert told["stage"] == "waiting until libraries are loaded", "the cancel did not wait for them"
        assert service.wait_for(done["jobId"], "succeeded")["attempt"] == 1
    finally:
        service.end()


def test_a_forkserver_that_died_is_replaced_and_the_jobs_go_on(own_service: ServiceProcess) -> None:
    first = own_service.submit(train_request("before"))
    own_service.wait_for(first["jobId"], "succeeded")
    (forkserver,) = [pid for pid in _children(own_service.process.pid) if b"forkserver" in _command(pid)]
    os.kill(forkserver, signal.SIGKILL)
    wait_until(lambda: not is_running(forkserver), "its end")
    second = own_service.submit(train_request("after"))
    assert own_service.wait_for(second["jobId"], "succeeded")["attempt"] == 1


def test_a_forkserver_that_stays_stopped_is_replaced_and_no_job_waits_for_ever(own_service: ServiceProcess) -> None:
    running = own_service.submit(train_request("running", behaviour="wait politely"))
    own_service.wait_until_told(running["jobId"])
    (forkserver,) = [pid for pid in _children(own_service.process.pid) if b"forkserver" in _command(pid)]
    os.kill(forkserver, signal.SIGSTOP)
    asked = own_service.submit(train_request("asked"))
    assert own_service.wait_for(asked["jobId"], "succeeded")["attempt"] <= 2
    assert not is_running(forkserver)
    answer = own_service.client.post(f"/api/v1/train/{running['jobId']}/cancel?waitSeconds=10").json()
    assert answer["state"] == "cancelled"


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_an_upload_that_a_killed_job_left_open_is_aborted(shared_service: ServiceProcess, uploads: Any) -> None:
    job = shared_service.submit(train_request("uploading", behaviour="upload forever"))
    shared_service.wait_for_pids(job["jobId"])
    assert uploads() == ["models/uploading/0/s0/attempt-1/large"]
    _cancel(shared_service, job["jobId"])
    wait_until(lambda: uploads() == [], "the end of the upload", seconds=5)
    work = shared_service.data_dir / "work" / "trainer"
    wait_until(lambda: list(work.iterdir()) == [], "the end of its folder", seconds=5)


def test_an_upload_of_a_service_that_was_killed_is_aborted_by_the_next_one(
    own_service: ServiceProcess, uploads: Any
) -> None:
    job = own_service.submit(train_request("orphaned", behaviour="upload forever"))
    own_service.wait_for_pids(job["jobId"])
    own_service.end(signal.SIGKILL)
    assert uploads() == ["models/orphaned/0/s0/attempt-1/large"]
    own_service.start()
    own_service.wait_for(job["jobId"], "succeeded")
    wait_until(lambda: uploads() == [], "the end of the upload", seconds=5)


def test_a_bucket_that_does_not_answer_delays_the_abort_and_keeps_its_note(
    bucket: BucketAddress, s3: S3ObjectStore, uploads: Any, tmp_path: Path
) -> None:
    work_dir = tmp_path / "job"
    work_dir.mkdir()
    (work_dir / "scratch").write_text("scratch")
    journal = UploadNotes(work_dir)
    noting = S3ObjectStore(bucket, journal=journal)
    noting._client.create_multipart_upload(Bucket=bucket.bucket, Key="models/late/large")
    assert [upload.key for upload in journal.open()] == uploads() == ["models/late/large"]
    nowhere = S3ObjectStore(BucketAddress("wlops", "http://127.0.0.1:9", "us-east-1", "x", "y"), attempts=1)
    stores = iter([nowhere, s3])

    class Recovering(S3ObjectStore):
        """Another store at each call."""

        def __init__(self) -> None:
            pass

        def abort_upload(self, key: str, upload_id: str) -> None:
            next(stores).abort_upload(key, upload_id)

    janitor = Janitor(Recovering, retry_seconds=0.5)
    janitor.discard(work_dir)
    wait_until(
        lambda: [path.name for path in tmp_path.rglob("*.json")] and not list(tmp_path.rglob("scratch")), "the rest"
    )
    assert uploads() == ["models/late/large"]
    wait_until(lambda: uploads() == [] and list(tmp_path.iterdir()) == [], "the second try", seconds=5)
    janitor.stop()


def test_an_upload_that_was_completed_leaves_no_note(bucket: BucketAddress, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(9 * 1024 * 1024)
    journal = UploadNotes(tmp_path)
    opened: list[str] = []
    store = S3ObjectStore(bucket, journal=journal)
    store._client.meta.events.register_last(
        "after-call.s3.UploadPart", lambda **_: opened.extend(upload.key for upload in journal.open())
    )
    ref = store.upload("models/whole/large", large)
    assert set(opened) == {"models/whole/large"}
    assert list(journal.open()) == []
    assert store.size(ref.key) == large.stat().st_size
    store.close()


def _sleep_in(folder: str) -> None:
    os.setsid()
    os.chdir(folder)
    time.sleep(600)


def test_only_processes_in_the_folder_or_group_are_found_and_zombies_are_not(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "mine-not"
    mine.mkdir()
    other.mkdir()
    processes = [CONTEXT.Process(target=_sleep_in, args=(str(folder),)) for folder in (mine, other)]
    for process in processes:
        process.start()
    try:
        wait_until(lambda: living_processes(mine) and living_processes(other), "both")
        assert living_processes(mine) == [processes[0].pid]
        assert living_processes(tmp_path / "none", processes[1].pid) == [processes[1].pid]
        assert kill_all(mine) == 1
        wait_until(lambda: living_processes(mine) == [], "the end of the one that was killed")
        assert living_processes(other) == [processes[1].pid]
    finally:
        for process in processes:
            process.kill()
            process.join()
