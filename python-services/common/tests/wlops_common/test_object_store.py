from __future__ import annotations

import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from wlops_common.contracts import ObjectRef
from wlops_common.errors import ArtifactChanged, ArtifactMissing, StorageUnavailable
from wlops_common.job_context import ObjectStore
from wlops_common.object_store import BucketAddress, S3ObjectStore
from wlops_common.testing import DirectoryObjectStore


@pytest.fixture(params=["s3", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """The bucket, and the folder that stands for it in tests of jobs: both must answer alike."""
    if request.param == "directory":
        return DirectoryObjectStore(tmp_path / "bucket")
    s3: S3ObjectStore = request.getfixturevalue("s3")
    return s3


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """Keys of one test."""
    return f"models/{sha256(request.node.nodeid.encode()).hexdigest()[:16]}/"


def test_what_was_put_is_read_by_its_reference(store: ObjectStore, prefix: str) -> None:
    ref = store.put(f"{prefix}a", b"bytes")
    assert ref.sha256 == sha256(b"bytes").hexdigest()
    assert store.read(ref) == b"bytes"
    assert store.get(ref.key) == b"bytes"
    assert store.size(ref.key) == 5


def test_a_file_goes_up_and_down_whole(store: ObjectStore, prefix: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 80_000)  # 20 MB: more than one part
    ref = store.upload(f"{prefix}large", source)
    store.download(ref, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == source.read_bytes()
    assert store.size(ref.key) == source.stat().st_size


def test_a_changed_object_is_refused_and_leaves_no_file(store: ObjectStore, prefix: str, tmp_path: Path) -> None:
    ref = store.put(f"{prefix}a", b"first")
    store.put(ref.key, b"second")
    with pytest.raises(ArtifactChanged) as caught:
        store.read(ref)
    assert caught.value.details is not None
    assert caught.value.details["key"] == ref.key
    with pytest.raises(ArtifactChanged):
        store.download(ref, tmp_path / "target")
    assert [path.name for path in tmp_path.glob("target*")] == []


def test_a_missing_object_is_called_missing(store: ObjectStore, prefix: str, tmp_path: Path) -> None:
    ref = ObjectRef(key=f"{prefix}none", sha256="0" * 64)
    with pytest.raises(ArtifactMissing):
        store.read(ref)
    with pytest.raises(ArtifactMissing):
        store.download(ref, tmp_path / "target")
    assert store.get(ref.key) is None
    assert store.size(ref.key) is None
    assert list(tmp_path.glob("target*")) == []


def test_put_new_writes_once_and_takes_its_own_bytes_for_written(store: ObjectStore, prefix: str) -> None:
    assert store.put_new(f"{prefix}m", b"first") is True
    assert store.put_new(f"{prefix}m", b"first") is True
    assert store.put_new(f"{prefix}m", b"second") is False
    assert store.get(f"{prefix}m") == b"first"


def test_of_many_writers_at_once_one_wins(bucket: BucketAddress, prefix: str) -> None:
    won: list[int] = []

    def write(number: int) -> None:
        store = S3ObjectStore(bucket)
        if store.put_new(f"{prefix}m", b"%d" % number):
            won.append(number)
        store.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(won) == 1


def test_a_store_that_does_not_answer_is_unavailable_and_worth_a_retry() -> None:
    store = S3ObjectStore(BucketAddress("wlops", "http://127.0.0.1:9", "us-east-1", "k", "s"), attempts=1)
    with pytest.raises(StorageUnavailable) as caught:
        store.get("models/a")
    assert caught.value.retryable
    store.close()


def test_wrong_credentials_are_named_as_a_refusal(bucket: BucketAddress) -> None:
    store = S3ObjectStore(BucketAddress("wlops", bucket.endpoint, "us-east-1", "tests", "wrong"), attempts=1)
    with pytest.raises(StorageUnavailable, match="refused"):
        store.put("models/a", b"")
    store.close()


def test_an_upload_that_is_refused_is_unavailable_and_worth_a_retry(bucket: BucketAddress, tmp_path: Path) -> None:
    store = S3ObjectStore(BucketAddress("wlops", bucket.endpoint, "us-east-1", "tests", "wrong"), attempts=1)
    file = tmp_path / "weights"
    file.write_bytes(b"weights")
    with pytest.raises(StorageUnavailable) as caught:
        store.upload("models/a", file)
    assert caught.value.retryable
    store.close()


@pytest.fixture
def write_only_server() -> Iterator[str]:
    """A server that takes what is put, tells where the bucket is, and refuses to look at anything."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(200)

        def do_GET(self) -> None:
            self.answer(200 if self.path.endswith("?location") else 403)

        def do_HEAD(self) -> None:
            self.answer(403)

        def answer(self, status: int) -> None:
            body = b"<LocationConstraint/>" if status == 200 and self.command == "GET" else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_account_that_may_write_but_not_look_is_ready_and_knows_the_length_of_what_it_wrote(
    write_only_server: str, tmp_path: Path
) -> None:
    store = S3ObjectStore(BucketAddress("wlops", write_only_server, "us-east-1", "k", "s"), attempts=1)
    file = tmp_path / "rows"
    file.write_bytes(b"rows")
    store.probe()
    assert store.size(store.put("evaluations/t/sealed/attempt-1/test.parquet", b"sealed").key) == 6
    assert store.size(store.upload("evaluations/t/sealed/attempt-1/select.parquet", file).key) == 4
    with pytest.raises(StorageUnavailable, match="refused"):
        store.size("evaluations/t/sealed/attempt-2/test.parquet")
    store.close()


def test_the_length_of_a_removed_object_is_not_remembered(store: ObjectStore, prefix: str) -> None:
    ref = store.put(f"{prefix}a", b"bytes")
    store.delete(ref.key)
    assert store.size(ref.key) is None


@pytest.fixture
def breaking_server() -> Iterator[tuple[str, list[str]]]:
    """A server that breaks off the first answer half-way."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"01234" if len(asked) == 1 else b"0123456789")
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_body_that_breaks_off_is_fetched_again(breaking_server: tuple[str, list[str]], tmp_path: Path) -> None:
    endpoint, asked = breaking_server
    store = S3ObjectStore(BucketAddress("wlops", endpoint, "us-east-1", "k", "s"))
    ref = ObjectRef(key="a", sha256=sha256(b"0123456789").hexdigest())
    store.download(ref, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"0123456789"
    assert len(asked) == 2
    store.close()
