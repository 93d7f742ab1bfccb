"""Fixtures of the frame's tests: a real S3 server, and the frame around a probe job as a real process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `probe_job` is imported by name in the job's process

from harness import ServiceProcess, s3_server

from wlops_common.object_store import BucketAddress, S3ObjectStore


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketAddress]:
    """An empty bucket of a real S3 server on a free port."""
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


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
