"""Whether a running job still does anything: its process tells of something, or processes of the job use processor time.

A job that computes uses processor time, also where its code lets no other thread of its process run; one that waits for a server asks
again within a minute. One that does neither for many minutes is stopped or waits for itself, and holds its place for nothing. Not here:
which processes are a job's (``living``), and what becomes of a job that stands still (``runner``).
"""

from __future__ import annotations

from collections.abc import Mapping

#: Of the time between two looks no more than this counts: a service that was stopped together with its jobs has seen nothing of them.
_MOST_BETWEEN_LOOKS_SECONDS = 10.0


class Pulse:
    """The signs of life of one attempt. Times are on the monotonic clock."""

    def __init__(self, limit_seconds: float, now: float) -> None:
        """``limit_seconds`` without a sign mean that the job stands still; 0: it never does."""
        self._limit_seconds = limit_seconds
        self._still_seconds = 0.0
        self._looked = now
        self._used: Mapping[int, float] | None = None
        #: When the last sign was seen.
        self.seen = now

    def told(self, now: float) -> None:
        """Its process has told something."""
        self._still_seconds = 0.0
        self._looked = self.seen = now

    def look(self, used: Mapping[int, float] | None, now: float) -> None:
        """Compare the processor time of its processes, in seconds by id, with that of the last look.

        None is no measure, which tells nothing against the job.
        """
        if used is None or used != self._used:
            self.told(now)
        else:
            self._still_seconds += min(now - self._looked, _MOST_BETWEEN_LOOKS_SECONDS)
            self._looked = now
        self._used = used

    @property
    def stands_still(self) -> bool:
        """Whether there was no sign for the time of the limit."""
        return 0 < self._limit_seconds <= self._still_seconds
