"""When somebody last asked about each job: one that nobody asks about for long has been forgotten, and is stopped.

Kept in memory only: a service that starts again counts from its start. Not here: how a job is stopped (``runner``).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator

#: The jobs are gone through this many times in the length of a lease, and at least this often.
_LOOKS = 10
_MOST_SECONDS = 30.0


class Leases:
    """The leases of one service's jobs. Methods may be called from any thread."""

    def __init__(self, seconds: float) -> None:
        """``seconds`` 0 means that no job is ever forgotten."""
        self._seconds = seconds
        self._mutex = threading.Lock()
        self._asked: dict[str, float] = {}
        #: How many wait for each job now.
        self._waiting: Counter[str] = Counter()
        self._look_at = 0.0

    def renew(self, job_id: str) -> None:
        """Somebody asked about this job."""
        if self._seconds == 0:
            return  # nobody drops the ids then
        with self._mutex:
            self._asked[job_id] = time.monotonic()

    @contextlib.contextmanager
    def waited_for(self, job_id: str) -> Iterator[None]:
        """While the block runs somebody waits for this job, which is as good as asking all the time."""
        with self._mutex:
            self._waiting[job_id] += 1
        try:
            yield
        finally:
            with self._mutex:
                self._waiting[job_id] -= 1
                self._waiting += Counter()  # drops the zeros
            self.renew(job_id)

    def are_due(self, now: float) -> bool:
        """Whether it is time to look for forgotten jobs; ``now`` is on the monotonic clock."""
        if self._seconds == 0 or now < self._look_at:
            return False
        self._look_at = now + min(_MOST_SECONDS, self._seconds / _LOOKS)
        return True

    def expired(self, job_ids: Iterable[str], now: float) -> list[str]:
        """Those of the unfinished jobs, ``job_ids``, that nobody has asked about for the time of a lease. Others are dropped."""
        with self._mutex:
            self._asked = {
                job_id: now if job_id in self._waiting else self._asked.get(job_id, now) for job_id in job_ids
            }
            return [job_id for job_id, asked in self._asked.items() if now - asked >= self._seconds]
