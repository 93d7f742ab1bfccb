"""A running job without a service: ``job_context`` for the tests of each service's ``run(context, request)``.

The context is the real one; the bucket is a folder and the reports are kept in lists. Not here: anything over HTTP.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from wlops_common.contracts import JobProgress, JobRequest, ObjectRef
from wlops_common.jobs.context import JobSurroundings, RunningJobContext
from wlops_common.object_store import checked, file_sha256, missing, write_whole

_CHUNK_BYTES = 1024 * 1024


class DirectoryObjectStore:
    """``ObjectStore`` over a folder: same answers and faults as the bucket, one writer at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, ref: ObjectRef) -> bytes:
        """See ``ObjectStore.read``."""
        data = self.get(ref.key)
        if data is None:
            raise missing(ref.key)
        return b"".join(checked(ref, iter([data])))

    def download(self, ref: ObjectRef, path: Path) -> None:
        """See ``ObjectStore.download``."""
        source = self.root / ref.key
        if not source.is_file():
            raise missing(ref.key)
        with source.open("rb") as chunks:
            write_whole(path, checked(ref, iter(lambda: chunks.read(_CHUNK_BYTES), b"")))

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> ObjectRef:  # noqa: ARG002
        """See ``ObjectStore.put``."""
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return ObjectRef(key=key, sha256=sha256(data).hexdigest())

    def upload(self, key: str, path: Path) -> ObjectRef:
        """See ``ObjectStore.upload``."""
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        return ObjectRef(key=key, sha256=file_sha256(path))

    def put_new(self, key: str, data: bytes, content_type: str = "application/json") -> bool:
        """See ``ObjectStore.put_new``."""
        existing = self.get(key)
        if existing is not None:
            return existing == data
        self.put(key, data, content_type)
        return True

    def get(self, key: str) -> bytes | None:
        """See ``ObjectStore.get``."""
        target = self.root / key
        return target.read_bytes() if target.is_file() else None

    def size(self, key: str) -> int | None:
        """See ``ObjectStore.size``."""
        target = self.root / key
        return target.stat().st_size if target.is_file() else None

    def delete(self, key: str) -> None:
        """See ``ObjectStore.delete``."""
        (self.root / key).unlink(missing_ok=True)


@dataclass
class Recorder:
    """What a job reported, and the order it will be given."""

    progress: list[JobProgress] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    #: Asked at every ``check``; return "cancel" or "pause" to stop the job there.
    order: Callable[[], str | None] = lambda: None


class RecordingJobContext(RunningJobContext):
    """A context whose reports can be read back from ``recorder`` and whose bucket is the folder ``store.root``."""

    def __init__(
        self, request: JobRequest, directory_store: DirectoryObjectStore, work_dir: Path, **options: Any
    ) -> None:
        self.recorder = Recorder()
        surroundings = JobSurroundings(
            report_progress=self.recorder.progress.append,
            write_log_line=lambda line: self.recorder.log.append(json.loads(line)),
            order=lambda: self.recorder.order(),  # noqa: PLW0108 - looked up at each call, tests replace it
        )
        super().__init__(request, directory_store, work_dir, surroundings, **options)


def job_context(
    tmp_path: Path,
    request: JobRequest,
    *,
    store: DirectoryObjectStore | None = None,
    attempt: int = 1,
    models_dir: Path | None = None,
    hub_offline: bool = True,
    extras: Mapping[str, str] | None = None,
    memory_ran_out: bool = False,
) -> RecordingJobContext:
    """The context of a job that runs ``request``, with bucket ``tmp_path/bucket`` (or ``store``) and a fresh work folder.

    Calling it again with the same ``tmp_path`` gives another job on the same bucket. ``context.recorder`` holds what the job
    reported; set ``context.recorder.order = lambda: "pause"`` to interrupt it at its next check.
    """
    work_dir = tmp_path / f"work-{request.job_key.replace('/', '-')}-{attempt}"
    work_dir.mkdir(parents=True, exist_ok=True)
    return RecordingJobContext(
        request,
        store or DirectoryObjectStore(tmp_path / "bucket"),
        work_dir,
        attempt=attempt,
        models_dir=models_dir,
        hub_offline=hub_offline,
        extras=extras,
        memory_ran_out=memory_ran_out,
    )
