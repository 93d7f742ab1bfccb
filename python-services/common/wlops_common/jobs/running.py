"""One running job as its service follows it: what it was told, when it is forced, what it answered. Not here: the store (``runner``)."""

from __future__ import annotations

import math
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from wlops_common.contracts import JobProgress, JobStatus
from wlops_common.jobs.outcome import Outcome
from wlops_common.jobs.process import JobProcess
from wlops_common.jobs.pulse import Pulse
from wlops_common.jobs.store import Order

#: How often to look whether the last process of an ended job is gone, and when to give up on it.
_REST_SECONDS = 0.005
_MOST_REST_SECONDS = 10.0


@dataclass(frozen=True)
class StopTimes:
    """Seconds after an order, or the service's own, at which a job that has not ended is forced to: asked by SIGTERM, then killed."""

    cancel_terminate: float = 0.3
    cancel_kill: float = 0.6
    #: A pause leaves time for a checkpoint.
    pause_terminate: float = 120
    pause_kill: float = 123
    #: What a service that is told to stop gives its jobs to save: a supervisor waits ten seconds before it kills the service itself, and
    #: two of them may go by until the last request is answered.
    stop_save: float = 5

    def of(self, order: Order) -> tuple[float, float]:
        """Those of one order."""
        if order == "cancel":
            return self.cancel_terminate, self.cancel_kill
        return self.pause_terminate, self.pause_kill


@dataclass
class RunningJob:
    """One attempt of a job, from the start of its process until nothing of it lives."""

    status: JobStatus
    request_id: str | None
    process: JobProcess
    log_file: Path
    memory_kills_before: int | None
    stop_times: StopTimes
    pulse: Pulse
    started: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    outcome: Outcome | None = None
    #: Number of the system's error for what it lacked before the job began.
    lacked: int | None = None
    #: The furthest step this attempt has told of, by stage, in the order of their first appearance.
    told: dict[str, int] = field(default_factory=dict)
    #: Whether it is being stopped because nobody asks about it.
    is_abandoned: bool = False
    _order: Order | None = None
    _ordered: float = 0
    _signalled: int = 0
    _ended: float | None = None

    def read(self) -> JobProgress | None:
        """Take in what the process has sent; what is to be shown of it as progress, if anything."""
        shown: JobProgress | None = None
        for message in self.process.read_reports():
            if "outcome" in message:
                self.outcome = Outcome.model_validate(message["outcome"])
                continue
            if "short" in message:
                self.lacked = message["short"]
                continue
            shown = JobProgress.model_validate(message["progress"] if "progress" in message else message["wait"])
            if "progress" in message:
                self.told[shown.stage] = max(shown.step, self.told.get(shown.stage, shown.step))
        return shown

    def feel_pulse(self, progress: JobProgress | None, now: float) -> None:
        """Note a sign of life: what it has told, else whether it works."""
        if progress is not None:
            self.pulse.told(now)
        elif self._ended is None:
            self.pulse.look(self.process.processor_seconds(), now)

    @property
    def stood_still(self) -> bool:
        """Whether it was killed because it did nothing any more."""
        return self.outcome is None and self.pulse.stands_still

    def obey(self, order: Order | None, now: float) -> None:
        """Let the process know what it was told, and force it when its time is up."""
        if self._ended is not None:
            return
        if self.outcome is not None or self.pulse.stands_still:
            self._signal(signal.SIGKILL)  # it has nothing left to do but to exit, or does nothing any more
        elif order is not None:
            if order != self._order:
                self._order, self._ordered, self._signalled = order, now, 0
                self.process.send_order(order)
            terminate, kill = self.stop_times.of(order)
            if now >= self._ordered + kill:
                self._signal(signal.SIGKILL)
            elif now >= self._ordered + terminate:
                self._signal(signal.SIGTERM)

    def is_gone(self, now: float) -> bool:
        """Whether the process has ended and nothing it started lives any more; what does is killed.

        True also when something has outlived its killing for long, which only a fault of the system can cause.
        """
        if self.process.exit_code is None:
            return False
        if self._ended is None:
            self._ended = now
        return not self.process.kill_rest() or now - self._ended > _MOST_REST_SECONDS

    def handles(self) -> list[Connection | int]:
        """What becomes readable when the process says something or ends; nothing once it has ended, for then they stay readable."""
        return [] if self._ended is not None else self.process.handles()

    def next_look(self) -> float:
        """When something is to be done about it though it says nothing, on the monotonic clock."""
        if self._ended is not None:
            return time.monotonic() + _REST_SECONDS
        if self._order is None or self._signalled == signal.SIGKILL:
            return math.inf
        terminate, kill = self.stop_times.of(self._order)
        return self._ordered + (kill if self._signalled else terminate)

    def _signal(self, number: signal.Signals) -> None:
        if self._signalled != number:
            self._signalled = number
            self.process.signal_group(number)
