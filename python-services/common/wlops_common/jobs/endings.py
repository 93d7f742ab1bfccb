"""Lets requests wait for the end of a job without holding a thread: whoever ends a job wakes those that wait for it.

The store announces each end once it is on disk, from whatever thread ended the job. Not here: what a request does before it waits and
answers afterwards (``routes``).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator


class Endings:
    """The requests that wait, by job. ``announce`` and ``release_all`` may be called from any thread."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}
        self._is_closed = False

    @contextlib.contextmanager
    def expected(self, job_id: str) -> Iterator[asyncio.Event]:
        """An event of the running loop that is set when this job ends, or the service does.

        Look at the job's state inside the block and before waiting: an end before the block is not announced again.
        """
        entry = (asyncio.get_running_loop(), asyncio.Event())
        with self._mutex:
            if self._is_closed:
                entry[1].set()
            self._waiting.setdefault(job_id, []).append(entry)
        try:
            yield entry[1]
        finally:
            with self._mutex:
                left = [one for one in self._waiting.get(job_id, []) if one is not entry]
                if left:
                    self._waiting[job_id] = left
                else:
                    self._waiting.pop(job_id, None)

    def announce(self, job_id: str) -> None:
        """This job has ended: wake all that wait for it."""
        with self._mutex:
            entries = list(self._waiting.get(job_id, ()))
        _wake(entries)

    def release_all(self) -> None:
        """The service stops: wake everybody, and let nobody wait any more."""
        with self._mutex:
            self._is_closed = True
            entries = [entry for waiting in self._waiting.values() for entry in waiting]
        _wake(entries)


def _wake(entries: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    for loop, event in entries:
        with contextlib.suppress(RuntimeError):  # a loop that is closed has nobody who waits
            loop.call_soon_threadsafe(event.set)
