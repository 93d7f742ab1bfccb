"""Cleans up behind ended jobs, so that nobody waits for it: aborts the uploads they left open, removes their work folders.

A folder is put aside at once and emptied by a thread. What could not be done when the service stops, or while the bucket does not
answer, is done later: the next start puts every folder it finds aside. Not here: processes (``living``).
"""

from __future__ import annotations

import contextlib
import logging
import queue
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from wlops_common.errors import StorageUnavailable
from wlops_common.jobs.open_uploads import FOLDER, UploadNotes
from wlops_common.jobs.shortages import start_thread
from wlops_common.object_store import S3ObjectStore

log = logging.getLogger(__name__)

_RETRY_SECONDS = 15.0
#: How long a service that stops waits for the thread.
_LAST_WAIT_SECONDS = 1.0


class Janitor:
    """One thread, started by the first thing it has to do."""

    def __init__(self, make_store: Callable[[], S3ObjectStore], retry_seconds: float = _RETRY_SECONDS) -> None:
        """``make_store`` is called in the janitor's thread, when there is something to abort."""
        self._make_store = make_store
        self._retry_seconds = retry_seconds
        self._store: S3ObjectStore | None = None
        self._queue: queue.Queue[Path | None] = queue.Queue()
        self._unfinished: list[Path] = []
        self._thread: threading.Thread | None = None

    def discard(self, work_dir: Path) -> None:
        """Put aside the work folder of a job whose processes are gone. From one thread at a time."""
        aside = work_dir.with_name(f".ended-{uuid.uuid4().hex}")
        with contextlib.suppress(FileNotFoundError):
            work_dir.rename(aside)
            self._queue.put(aside)
            self._begin()

    def _begin(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="janitor", daemon=True)
            with contextlib.suppress(OSError):  # threads are short: the next thing it has to do begins it
                start_thread(thread)
                self._thread = thread

    def stop(self) -> None:
        """Finish what takes no time and leave the rest to the next start."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(_LAST_WAIT_SECONDS)

    def _work(self) -> None:
        retry_at = 0.0
        while True:
            timeout = max(0.0, retry_at - time.monotonic()) if self._unfinished else None
            try:
                folder = self._queue.get(timeout=timeout)
            except queue.Empty:
                again, self._unfinished = self._unfinished, []
                for one in again:
                    self._clear(one)
                retry_at = time.monotonic() + self._retry_seconds
                continue
            if folder is None:
                return
            if not self._unfinished:
                retry_at = time.monotonic() + self._retry_seconds
            self._clear(folder)

    def _clear(self, folder: Path) -> None:
        try:
            self._abort_uploads(folder)
        except Exception as fault:  # noqa: BLE001 - the thread has others to clean up behind
            reason = fault.message if isinstance(fault, StorageUnavailable) else repr(fault)
            log.warning("uploads of an ended job are still open", extra={"fields": {"reason": reason}})
            for path in folder.iterdir():
                if path.name != FOLDER:
                    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            self._unfinished.append(folder)
            return
        shutil.rmtree(folder, ignore_errors=True)

    def _abort_uploads(self, folder: Path) -> None:
        for upload in UploadNotes(folder).open():
            if self._store is None:
                self._store = self._make_store()
            self._store.abort_upload(upload.key, upload.upload_id)
            upload.note.unlink(missing_ok=True)
            log.info("upload of an ended job aborted", extra={"fields": {"key": upload.key}})
