"""What the tests of the frame share: requests, waiting with a deadline, and a service as a real process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from wlops_common.auth import sign_service_token
from wlops_common.contracts import RowsRef, TrainRequest
from wlops_common.object_store import BucketAddress

Value = TypeVar("Value")

#: Jobs compute with low priority, so on a machine with much else to do they take many times as long.
PATIENCE_SECONDS = 90.0
SECRET = "a-secret-of-the-tests-that-is-long-enough"
HERE = Path(__file__).parent
_COMMON = HERE.parents[1]


def wait_until(look: Callable[[], Value | None], what: str, seconds: float = PATIENCE_SECONDS) -> Value:
    """The first truthy answer of ``look``; fails with ``what`` after the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds} s")


@contextmanager
def s3_server(folder: Path) -> Iterator[BucketAddress]:
    """A real S3 server on a free port, with an empty bucket whose objects lie below the folder."""
    binary = os.environ.get("WLOPS_VERSITYGW") or shutil.which("versitygw")
    assert binary, "These tests need an S3 server: put versitygw on the PATH or its path into WLOPS_VERSITYGW."
    (folder / "wlops").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [binary, "--port", f"127.0.0.1:{port}", "posix", str(folder)],
        env={**os.environ, "ROOT_ACCESS_KEY": "tests", "ROOT_SECRET_KEY": "tests-secret"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answers() -> bool:
        assert server.poll() is None, "the S3 server ended at once"
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers, "the S3 server's start")
        yield BucketAddress("wlops", f"http://127.0.0.1:{port}", "us-east-1", "tests", "tests-secret")
    finally:
        server.terminate()
        server.wait(timeout=10)


def train_request(
    task_id: str = "task_1", segment: int = 0, behaviour: str = "succeed", **hyperparameters: Any
) -> TrainRequest:
    """A request that ``probe_job`` understands; every key has an output prefix of its own."""
    return TrainRequest(
        job_key=f"{task_id}/0/training/{segment}",
        task_id=task_id,
        iteration=0,
        segment=segment,
        seed=1,
        output_prefix=f"models/{task_id}/0/s{segment}/",
        model_name="builtin:classifier",
        hyperparameters={"behaviour": behaviour, **hyperparameters},
        task_type="classification",
        train=RowsRef(key="optimized/d/train.parquet", sha256="0" * 64, rows=3),
    )


def is_running(pid: int) -> bool:
    """Whether a process with this id lives; one that has ended but was not collected does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def pids_of(progress: dict[str, Any] | None) -> list[int]:
    """The process ids a probe job reports in its stage."""
    stage = (progress or {}).get("stage", "")
    return [int(pid) for pid in stage.split()[1:]] if stage.startswith("pids ") else []


def _with_a_new_token(request: httpx.Request) -> httpx.Request:
    """Signed for each request: a service that many tests share may live longer than a token."""
    if "Authorization" not in request.headers:
        request.headers["Authorization"] = f"Bearer {sign_service_token(SECRET, 'wlops-trainer')}"
    return request


class ServiceProcess:
    """``probe_service``, or another with the trainer's routes, as a process; with a client that carries a valid token."""

    def __init__(
        self,
        data_dir: Path,
        bucket: BucketAddress,
        program: Sequence[str] = (str(HERE / "probe_service.py"),),
        **environment: str,
    ) -> None:
        self.data_dir = data_dir
        self.program = program
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(_COMMON.parent), str(_COMMON), str(HERE)]),
            "WLOPS_SERVICE_SECRET": SECRET,
            "WLOPS_DATA_DIR": str(data_dir),
            "WLOPS_MAX_JOBS": "2",
            "S3_ENDPOINT": bucket.endpoint or "",
            "S3_ACCESS_KEY_ID": bucket.access_key_id or "",
            "S3_SECRET_ACCESS_KEY": bucket.secret_access_key or "",
            "S3_BUCKET": bucket.bucket,
            **environment,
        }
        self.start()

    def start(self) -> None:
        """Start, or start again, and wait until the service listens."""
        self.process = subprocess.Popen(
            [sys.executable, *self.program], env=self.environment, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.url = f"http://127.0.0.1:{json.loads(line)['port']}"
        # Read to its end, for a service whose log nobody reads stands still when the pipe is full.
        self._reader = threading.Thread(target=self.process.stdout.read, daemon=True)
        self._reader.start()
        self.client = httpx.Client(
            base_url=self.url,
            auth=_with_a_new_token,
            timeout=30,
        )
        wait_until(self._answers, "the service's first answer")

    def _answers(self) -> bool:
        try:
            return self.client.get("/livez").status_code == 200
        except httpx.TransportError:
            return False

    def end(self, signal_number: int = signal.SIGTERM) -> int:
        """End the process and answer its exit status."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        status = self.process.wait(timeout=15)
        assert self.process.stdout is not None
        self._reader.join(timeout=5)
        self.process.stdout.close()
        return status

    def submit(self, request: TrainRequest) -> dict[str, Any]:
        """Submit, and answer the status."""
        response = self.client.post("/api/v1/train", json=request.to_json())
        assert response.status_code == 202, response.text
        status: dict[str, Any] = response.json()
        return status

    def status(self, job_id: str) -> dict[str, Any]:
        """Look at a job."""
        response = self.client.get(f"/api/v1/train/{job_id}")
        assert response.status_code == 200, response.text
        status: dict[str, Any] = response.json()
        return status

    def wait_for(self, job_id: str, state: str) -> dict[str, Any]:
        """The job's status as soon as it is in ``state``; fails when it ends in another one."""

        def reached() -> dict[str, Any] | None:
            status = self.status(job_id)
            assert status["state"] in (state, "queued", "running"), status
            return status if status["state"] == state else None

        return wait_until(reached, f"{job_id} becoming {state}", seconds=PATIENCE_SECONDS)

    def wait_for_pids(self, job_id: str) -> list[int]:
        """The process ids a waiting probe job reports."""
        return wait_until(lambda: pids_of(self.status(job_id)["progress"]), "the job's report of its processes")

    def wait_until_told(self, job_id: str) -> None:
        """Until the job's process has told of progress; what a queued job waits for is told by its service."""

        def has_told() -> bool:
            status = self.status(job_id)
            return status["state"] != "queued" and status["progress"] is not None

        wait_until(has_told, "the job's first progress")
