"""Tells people that a job waits for the object store, which may be silent for minutes before the SDK gives up.

Not here: the waiting itself, and what becomes of a job whose store does not come back (``object_store``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wlops_common.contracts import JobProgress
from wlops_common.jobs.shortages import start_thread

#: A large object takes a while as well; who looks at a task wants to know by then in either case.
_TOLD_AFTER_SECONDS = 10.0


class StoreWaits:
    """Stands between a job and whoever shows its progress. Progress may be reported from any thread."""

    def __init__(
        self,
        report: Callable[[JobProgress], None],
        report_wait: Callable[[JobProgress], None],
        told_after_seconds: float = _TOLD_AFTER_SECONDS,
    ) -> None:
        """``report_wait`` is told what is to be shown, which says nothing of how far the job has come."""
        self._report = report
        self._report_wait = report_wait
        self._told_after_seconds = told_after_seconds
        self._last: JobProgress | None = None

    def report(self, progress: JobProgress) -> None:
        """Report what the job is doing."""
        self._last = progress
        self._report(progress)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around whatever asks the object store: what takes long is told, and after it what the job did before."""
        done = threading.Event()
        watch = threading.Thread(target=self._tell_unless, args=(done,), name="store-wait", daemon=True)
        is_watched = _started(watch)
        try:
            yield
        finally:
            done.set()
            if is_watched:
                watch.join()

    def _tell_unless(self, done: threading.Event) -> None:
        if done.wait(self._told_after_seconds):
            return
        last = self._last or JobProgress(stage="starting")
        self._report_wait(last.model_copy(update={"stage": f"{last.stage}: waiting for the object store"}))
        done.wait()
        self._report_wait(self._last or last)


def _started(thread: threading.Thread) -> bool:
    """Whether it could be started: where threads are short a job goes on without it."""
    try:
        start_thread(thread)
    except OSError:
        return False
    return True
