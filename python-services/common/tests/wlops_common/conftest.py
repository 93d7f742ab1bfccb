"""Fixtures of the frame's tests: a real S3 server, and the frame around a probe job as a real process."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `probe_job` is imported by name in the job's process

from harness import ServiceProcess, wait_until

from wlops_common.object_store import BucketAddress, S3ObjectStore


def _versitygw() -> str:
    binary = os.environ.get("WLOPS_VERSITYGW") or shutil.which("versitygw")
    if binary is None:
        pytest.fail(
            "These tests need an S3 server: put versitygw on the PATH or its path into WLOPS_VERSITYGW.", pytrace=False
        )
    return binary


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketAddress]:
    """An empty bucket of a real S3 server on a free port."""
    binary = _versitygw()
    root = tmp_path_factory.mktemp("s3")
    (root / "wlops").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [binary, "--port", f"127.0.0.1:{port}", "posix", str(root)],
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


@pytest.fixture(scope="session")
def s3(bucket: BucketAddress) -> Iterator[S3ObjectStore]:
    """A client of the bucket."""
    store = S3ObjectStore(bucket)
    yield store
    store.close()


@pytest.fixture(scope="session")
def shared_service(bucket: BucketAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One running service for tests that leave it as it was; each uses a task of its own."""
    service = ServiceProcess(tmp_path_factory.mktemp("data"), bucket)
    yield service
    assert service.end() == 0


@pytest.fixture
def own_service(bucket: BucketAddress, tmp_path: Path) -> Iterator[ServiceProcess]:
    """A service that the test may kill."""
    service = ServiceProcess(tmp_path / "data", bucket)
    yield service
    service.end()
