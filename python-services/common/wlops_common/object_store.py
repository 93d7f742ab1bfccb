"""The bucket over S3 (MinIO, AWS, versitygw): path style, retries, digests checked while reading.

One ``S3ObjectStore`` belongs to one process: make it after the fork, never before. Not here: which keys exist and why (the caller
gives them), and access rights (the bucket's policy).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError

from wlops_common.contracts import ObjectRef
from wlops_common.errors import ArtifactChanged, ArtifactMissing, StorageUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

P = ParamSpec("P")
R = TypeVar("R")

_CHUNK_BYTES = 1024 * 1024
_READ_ATTEMPTS = 3
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
_NO_UPLOAD = frozenset({"NoSuchUpload", "404"})
_TAKEN = frozenset({"PreconditionFailed", "412"})
_STREAM_FAULTS = (HTTPClientError, IncompleteReadError)


@dataclass(frozen=True)
class BucketAddress:
    """Where the bucket is. ``endpoint`` None means AWS; keys None mean the SDK's own ways of finding credentials."""

    bucket: str
    endpoint: str | None = None
    region: str = "us-east-1"
    access_key_id: str | None = None
    secret_access_key: str | None = None

    def __repr__(self) -> str:
        return f"BucketAddress(bucket={self.bucket!r}, endpoint={self.endpoint!r})"


class UploadJournal(Protocol):
    """Told of uploads in parts, so that somebody can abort those that are never ended (``jobs.open_uploads``)."""

    def opened(self, key: str, upload_id: str) -> None:
        """The server has opened an upload; no part was sent yet."""

    def closed(self, upload_id: str) -> None:
        """The upload is complete."""


def _translated(
    operation: Callable[Concatenate[S3ObjectStore, P], R],
) -> Callable[Concatenate[S3ObjectStore, P], R]:
    """Turn what the SDK raises into ``StorageUnavailable``; the callers below handle the answers they expect before."""

    @functools.wraps(operation)
    def call(store: S3ObjectStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with store.waiting():
                return operation(store, *args, **kwargs)
        except ClientError as fault:
            code = fault.response.get("Error", {}).get("Code", "unknown")
            raise StorageUnavailable(
                f"The object store refused: {code}.", details={"code": code}, detail=str(fault)
            ) from fault
        except BotoCoreError as fault:
            raise StorageUnavailable("The object store did not answer.", detail=str(fault)) from fault
        except Boto3Error as fault:  # what a managed upload makes of either
            raise StorageUnavailable("The object store did not take an upload.", detail=str(fault)) from fault

    return call


class S3ObjectStore:
    """``ObjectStore`` over one bucket."""

    def __init__(
        self,
        address: BucketAddress,
        *,
        connect_timeout_seconds: float = 5,
        read_timeout_seconds: float = 60,
        attempts: int = 5,
        journal: UploadJournal | None = None,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """``waiting`` is entered around each operation."""
        self.waiting = waiting
        self._bucket = address.bucket
        self._journal = journal
        #: Ids of uploads in parts that the server opened for the object that is being written; a retried one has several.
        self._opened: list[str] = []
        #: Lengths of what was written here: an account that may write a prefix need not be allowed to look at it.
        self._written: dict[str, int] = {}
        self._client: S3Client = boto3.session.Session().client(
            "s3",
            endpoint_url=address.endpoint,
            region_name=address.region,
            aws_access_key_id=address.access_key_id,
            aws_secret_access_key=address.secret_access_key,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                retries={"mode": "standard", "total_max_attempts": attempts},
                connect_timeout=connect_timeout_seconds,
                read_timeout=read_timeout_seconds,
                # Stores other than AWS do not all know the newer trailing checksums; we check sha256 ourselves.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

        if journal is not None:
            self._client.meta.events.register("after-call.s3.CreateMultipartUpload", self._note_upload)

    def _note_upload(self, parsed: dict[str, Any], **_: Any) -> None:
        if self._journal is not None and "UploadId" in parsed:
            self._opened.append(parsed["UploadId"])
            self._journal.opened(parsed["Key"], parsed["UploadId"])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @_translated
    def probe(self) -> None:
        """Ask whether the bucket is there. Raises ``StorageUnavailable`` when it is not or does not answer.

        By its location: asking for its head needs the right to list it, which no service has.
        """
        self._client.get_bucket_location(Bucket=self._bucket)

    @_translated
    def read(self, ref: ObjectRef) -> bytes:
        """See ``ObjectStore.read``."""
        return _retry_stream(lambda: b"".join(self._checked(ref)))

    @_translated
    def download(self, ref: ObjectRef, path: Path) -> None:
        """See ``ObjectStore.download``."""
        _retry_stream(lambda: write_whole(path, self._checked(ref)))

    @_translated
    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> ObjectRef:
        """See ``ObjectStore.put``."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)
        self._written[key] = len(data)
        return ObjectRef(key=key, sha256=sha256(data).hexdigest())

    @_translated
    def upload(self, key: str, path: Path) -> ObjectRef:
        """See ``ObjectStore.upload``. Large files go in parts, one after the other: what is open at a kill is one upload."""
        digest = file_sha256(path)
        self._opened.clear()
        self._client.upload_file(str(path), self._bucket, key, Config=TransferConfig(use_threads=False))
        if self._journal is not None and self._opened:
            self._journal.closed(self._opened[-1])
        self._written[key] = path.stat().st_size
        return ObjectRef(key=key, sha256=digest)

    @_translated
    def put_new(self, key: str, data: bytes, content_type: str = "application/json") -> bool:
        """See ``ObjectStore.put_new``."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type, IfNoneMatch="*")
        except ClientError as fault:
            if fault.response.get("Error", {}).get("Code") not in _TAKEN:
                raise
            # A retried PUT meets its own first try when only the answer was lost.
            return self.get(key) == data
        return True

    @_translated
    def get(self, key: str) -> bytes | None:
        """See ``ObjectStore.get``."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as fault:
            if fault.response.get("Error", {}).get("Code") in _MISSING:
                return None
            raise

    @_translated
    def size(self, key: str) -> int | None:
        """See ``ObjectStore.size``."""
        if key in self._written:
            return self._written[key]
        try:
            return self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
        except ClientError as fault:
            if fault.response.get("Error", {}).get("Code") in _MISSING:
                return None
            raise

    @_translated
    def delete(self, key: str) -> None:
        """See ``ObjectStore.delete``."""
        self._client.delete_object(Bucket=self._bucket, Key=key)
        self._written.pop(key, None)

    @_translated
    def abort_upload(self, key: str, upload_id: str) -> None:
        """End an upload in parts and drop its parts; one that is complete or gone is no fault."""
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
        except ClientError as fault:
            if fault.response.get("Error", {}).get("Code") not in _NO_UPLOAD:
                raise

    def _checked(self, ref: ObjectRef) -> Iterator[bytes]:
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=ref.key)["Body"]
        except ClientError as fault:
            if fault.response.get("Error", {}).get("Code") in _MISSING:
                raise missing(ref.key) from fault
            raise
        yield from checked(ref, body.iter_chunks(_CHUNK_BYTES))


def _retry_stream(attempt: Callable[[], R]) -> R:
    """The SDK retries requests but not a body that breaks off half-way, so that is done here, from the start."""
    for _ in range(_READ_ATTEMPTS - 1):
        try:
            return attempt()
        except _STREAM_FAULTS:
            continue
    return attempt()


def checked(ref: ObjectRef, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks as they come; raises ``ArtifactChanged`` after the last when their sha256 is not that of ``ref``."""
    digest = sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != ref.sha256:
        raise ArtifactChanged(
            f"{ref.key} is not the object that was recorded: its sha256 differs.",
            details={"key": ref.key, "expected": ref.sha256, "found": digest.hexdigest()},
        )


def missing(key: str) -> ArtifactMissing:
    """The fault for a key at which nothing lies."""
    return ArtifactMissing(f"{key} is not in the bucket.", details={"key": key})


def write_whole(path: Path, chunks: Iterator[bytes]) -> None:
    """Write the chunks to ``path`` so that it holds all of them or is left as it was."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as out:
            for chunk in chunks:
                out.write(chunk)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file, read in chunks."""
    digest = sha256()
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
