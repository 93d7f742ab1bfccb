"""Starts the jobs that wait: one process each, from a warm forkserver. What keeps them waiting is told to those who ask.

A shortage (descriptors, processes, memory, disk) is nobody's fault and passes: the job stays queued as if it had not been tried. Another
fault may be the job's own, so its tries are counted. Not here: how many jobs run, and what becomes of those that do (``runner``).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import time
from pathlib import Path

from wlops_common.contracts import JobStatus
from wlops_common.errors import JobCrashed
from wlops_common.jobs.child import ChildTask
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.jobs.forkserver import Forkserver
from wlops_common.jobs.janitor import Janitor
from wlops_common.jobs.memory import out_of_memory_kills
from wlops_common.jobs.process import JobProcess
from wlops_common.jobs.pulse import Pulse
from wlops_common.jobs.running import RunningJob, StopTimes
from wlops_common.jobs.store import JobStore
from wlops_common.settings import ServiceSettings

log = logging.getLogger(__name__)

#: How long to wait before anything is started again after a process could not be.
_AGAIN_SECONDS = 2.0
_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT})
#: Pipes whose two ends are more descriptors than the start of a process takes for a moment.
_SPARE_PIPES = 8
_LOADING = "waiting until libraries are loaded"


class Starter:
    """Starts the jobs of one service. Belongs to the runner's thread, but for ``reason_to_wait``, which any may read."""

    def __init__(
        self,
        definition: ServiceDefinition,
        settings: ServiceSettings,
        store: JobStore,
        forkserver: Forkserver,
        janitor: Janitor,
        stop_times: StopTimes,
    ) -> None:
        self._definition = definition
        self._settings = settings
        self._store = store
        self._forkserver = forkserver
        self._janitor = janitor
        self._stop_times = stop_times
        self._work_root = settings.work_dir(definition.name)
        #: The jobs whose last process the system killed for memory, which the next one is told.
        self.killed_for_memory: set[str] = set()
        #: What jobs wait for rather than for one another, in words for people.
        self.reason_to_wait: str | None = None
        #: The job whose process could not be started last; it waits longest, so it is the next to be started.
        self._failed_to_start: str | None = None
        self._again_at = float("-inf")

    def start_next(self) -> RunningJob | None:
        """Start the job that waits longest. None when none does, or when nothing can be started now."""
        if time.monotonic() < self._again_at:
            return None
        if not self._store.has_waiting():
            self.reason_to_wait = None
            return None
        status = None
        try:
            _assure_descriptors()
            if not self._forkserver.is_warm():
                self.reason_to_wait = _LOADING
                return None  # the runner is woken when they are there
            status = self._store.start_next()
            if status is None:
                return None
            job = self._launch(status)
        except (OSError, EOFError) as fault:
            self._put_off(status, fault)
            return None
        self._failed_to_start = self.reason_to_wait = None
        return job

    def _launch(self, status: JobStatus) -> RunningJob:
        body, request_id = self._store.request_of(status.job_id)
        log_file = self._settings.job_log(status.job_id)
        task = ChildTask(
            definition=self._definition,
            body=body,
            attempt=status.attempt,
            bucket=self._settings.bucket,
            work_dir=self._work_dir(status),
            log_file=log_file,
            models_dir=self._settings.models_dir,
            hub_offline=self._settings.hub_offline,
            extras=self._settings.job_extras(),
            memory_ran_out=status.job_id in self.killed_for_memory,
        )
        memory_kills = out_of_memory_kills()
        process = JobProcess(task)
        pulse = Pulse(self._settings.job_standstill_seconds, time.monotonic())
        return RunningJob(status, request_id, process, log_file, memory_kills, self._stop_times, pulse)

    def _put_off(self, status: JobStatus | None, fault: OSError | EOFError) -> None:
        """Start nothing for a while; a job that was to be started, ``status``, waits again or has failed for good."""
        self._again_at = time.monotonic() + _AGAIN_SECONDS
        shortage = shortage_of(fault)
        job_id = {} if status is None else {"jobId": status.job_id}
        if shortage is None:
            log.error("a job's process could not be started", exc_info=fault, extra={"fields": job_id})
        elif shortage != self.reason_to_wait:  # it may last, and is told once
            log.warning("jobs wait because of a shortage", extra={"fields": {**job_id, "reason": str(fault)}})
        self.reason_to_wait = shortage
        if status is None:
            return
        if shortage is None:
            self._give_back(status)
        else:
            self._store.put_back(status.job_id)
        with contextlib.suppress(OSError):  # the next try makes it afresh, and the next start removes it
            self._janitor.discard(self._work_dir(status))

    def _give_back(self, status: JobStatus) -> None:
        """A job whose process cannot be started is tried once more, then it fails; how often it died before is of no account."""
        fault = None
        if status.job_id == self._failed_to_start:
            fault = JobCrashed("The job's process could not be started.", details={"attempt": status.attempt})
        self._failed_to_start = status.job_id if fault is None else None
        self._store.end_attempt(status.job_id, None if fault is None else fault.to_job_error())

    def _work_dir(self, status: JobStatus) -> Path:
        return self._work_root / status.job_id


def shortage_of(fault: BaseException) -> str | None:
    """What is short when this fault means a shortage, as a reason to wait; None for another fault."""
    if not isinstance(fault, OSError) or fault.errno not in _SHORTAGES:
        return None
    return f"waiting: {os.strerror(fault.errno).lower()}"


def _assure_descriptors() -> None:
    """Raise ``OSError`` where a process cannot be started for want of descriptors.

    The standard library leaves some open when they run short in the middle of it, which makes a shortage worse with each try.
    """
    with contextlib.ExitStack() as spare:
        for _ in range(_SPARE_PIPES):
            for end in os.pipe():
                spare.callback(os.close, end)
