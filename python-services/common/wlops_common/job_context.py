"""What a job's code may use: the whole world of a running job, so that its functions can be tested without a service.

The runner (``wlops_common.jobs``) makes one in the child process. Tests make one with ``wlops_common.testing.job_context``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from wlops_common.contracts import ObjectRef


class JobInterrupted(Exception):
    """Not a fault. Raised by ``JobContext.check`` when the job was told to stop; the runner turns it into `cancelled` or `paused`.

    A job that saves a checkpoint before it ends catches it, saves, and raises it again with ``result`` set to what the next
    segment needs (JSON-ready); the status of the paused job shows it as ``result``.
    """

    def __init__(self, reason: str, result: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason  # "cancel" or "pause"
        self.result = result


class ObjectStore(Protocol):
    """The bucket, as jobs see it. Keys only; every read of a referenced object checks its digest.

    All methods raise ``StorageUnavailable`` when the store does not answer after retries.
    """

    def read(self, ref: ObjectRef) -> bytes:
        """The whole object. Raises ``ArtifactChanged`` when sha256 differs, ``ArtifactMissing`` when it is not there."""

    def download(self, ref: ObjectRef, path: Path) -> None:
        """The object into a file, in constant memory, checked as ``read`` does. Nothing is left at ``path`` on failure."""

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> ObjectRef:
        """Write ``data`` and answer with its reference."""

    def upload(self, key: str, path: Path) -> ObjectRef:
        """Write a file in constant memory and answer with its reference."""

    def put_new(self, key: str, data: bytes, content_type: str = "application/json") -> bool:
        """Write only if nothing is there (If-None-Match). False when something else is; the same bytes count as written."""

    def get(self, key: str) -> bytes | None:
        """The object without a digest to check, or None; for manifests, whose digest nobody can know before."""

    def size(self, key: str) -> int | None:
        """Length of the object in bytes, or None when it is not there."""

    def delete(self, key: str) -> None:
        """Remove an object that no manifest of a finished job lists, such as a checkpoint; one that is not there is no fault."""


class JobContext(Protocol):
    """Handed to ``run(context, request)`` of each service."""

    store: ObjectStore
    #: Scratch folder of this job; removed when it ends.
    work_dir: Path
    #: ``<outputPrefix>attempt-<n>/``: where this attempt may write.
    attempt_prefix: str
    #: Times this job was started, from 1, counting restarts of the service.
    attempt: int
    #: Folder of the operator's own model folders, or None.
    models_dir: Path | None
    #: Whether the model hub must not be asked.
    hub_offline: bool
    #: What the service's own settings tell its jobs (``ServiceSettings.job_extras``).
    extras: Mapping[str, str]
    #: Whether the system killed the attempt before this one because memory ran out.
    memory_ran_out: bool

    def progress(
        self,
        stage: str,
        step: int = 0,
        total_steps: int | None = None,
        *,
        loss: float | None = None,
        score: float | None = None,
        rate: float | None = None,
        eta_seconds: float | None = None,
    ) -> None:
        """Tell the world where the job is. Cheap: may be called every step. Calls ``check`` too."""

    def check(self) -> None:
        """Raise ``JobInterrupted`` when the job was told to stop. Call it in every long loop."""

    def expendable(self, result: dict[str, Any] | None = None) -> AbstractContextManager[None]:
        """While the block runs, an order ends the job's process at once, wherever its code is: there is nothing to save.

        A job that is paused there ends with this ``result``. For what takes long and cannot ``check``: reading, loading, importing.
        """

    def log(self, message: str, **fields: object) -> None:
        """One structured line in the job's own log, with task, iteration and phase added."""

    def commit(self, files: dict[str, ObjectRef], **facts: object) -> ObjectRef:
        """Write ``<outputPrefix>manifest.json`` listing ``files`` (name -> reference), once and last.

        Pass ``result=<JSON-ready dict of the job's result>``, leaving out the field that holds this manifest's own reference (only
        this call knows it): a later attempt then takes the result over instead of working again.

        Returns the manifest's reference. When another attempt has committed, raises ``AlreadyCommitted`` with that manifest.
        """
