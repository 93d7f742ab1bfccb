"""Where a job's files go, listed by name for the manifest: sealed rows under the sealed prefix, all else under the attempt's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from data_optimizer.working_rows import to_row_file
from wlops_common.contracts import ObjectRef, RowsRef, TaskType
from wlops_common.job_context import JobContext
from wlops_ml import rows as row_files


class Outputs:
    """Writes files and remembers them."""

    def __init__(self, context: JobContext, sealed_prefix: str, task_type: TaskType, *, with_targets: bool) -> None:
        self.files: dict[str, ObjectRef] = {}
        self._store = context.store
        self._work_dir = context.work_dir
        self._open_prefix = context.attempt_prefix
        attempt = context.attempt_prefix.rstrip("/").rpartition("/")[2]
        self._sealed_prefix = f"{sealed_prefix}{attempt}/"
        self._task_type: TaskType = task_type
        self._with_targets = with_targets

    def rows(self, name: str, rows: pl.DataFrame, *, sealed: bool = False) -> RowsRef:
        """Write ``<name>.parquet``."""
        task_type, with_targets = self._task_type, self._with_targets

        def write(sink: BinaryIO) -> None:
            row_files.write_parquet(
                sink, rows, task_type, lambda part: to_row_file(part, task_type, with_targets=with_targets)
            )

        ref = self.made(f"{name}.parquet", write, sealed=sealed)
        return RowsRef(key=ref.key, sha256=ref.sha256, rows=rows.height)

    def made(self, name: str, write: Callable[[BinaryIO], None], *, sealed: bool = False) -> ObjectRef:
        """Write a file that may be large: ``write`` fills it on disk."""
        path = self._work_dir / name
        try:
            with path.open("wb") as sink:
                write(sink)
            return self.file(name, path, sealed=sealed)
        finally:
            path.unlink(missing_ok=True)

    def file(self, name: str, path: Path, *, sealed: bool = False) -> ObjectRef:
        """Write what a file on disk holds."""
        self.files[name] = self._store.upload(f"{self._prefix(sealed=sealed)}{name}", path)
        return self.files[name]

    def json(self, name: str, value: Any) -> ObjectRef:
        """Write a JSON file."""
        return self.bytes(
            name, json.dumps(value, ensure_ascii=False, indent=1).encode(), content_type="application/json"
        )

    def bytes(
        self, name: str, data: bytes, *, sealed: bool = False, content_type: str = "application/octet-stream"
    ) -> ObjectRef:
        """Write a file."""
        self.files[name] = self._store.put(f"{self._prefix(sealed=sealed)}{name}", data, content_type)
        return self.files[name]

    def _prefix(self, *, sealed: bool) -> str:
        return self._sealed_prefix if sealed else self._open_prefix
