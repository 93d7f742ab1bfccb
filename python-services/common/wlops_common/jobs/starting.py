"""Starts the jobs that wait: one process each, from a warm forkserver. What keeps them waiting is told to those who ask.

A shortage (descriptors, processes, memory, disk) is nobody's fault and passes: the job stays queued as if it had not been tried. Another
fault may be the job's own, so its tries are counted. Not here: how many jobs run, and what becomes of those that do (``runner``).
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections import Counter
from pathlib import Path

from wlops_common.contracts import JobStatus
from wlops_common.errors import JobCrashed
from wlops_common.jobs.child import ChildTask
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.jobs.forkserver import Forkserver, forkserver_pid, has_ended
from wlops_common.jobs.janitor import Janitor
from wlops_common.jobs.memory import out_of_memory_kills
from wlops_common.jobs.process import JobProcess
from wlops_common.jobs.pulse import Pulse
from wlops_common.jobs.running import RunningJob, StopTimes
from wlops_common.jobs.shortages import assure_enough_to_start, shortage_of
from wlops_common.jobs.store import JobStore
from wlops_common.settings import ServiceSettings

log = logging.getLogger(__name__)

#: How long to wait before anything is started again after a process could not be.
_AGAIN_SECONDS = 2.0
#: So often in a row a job's process may fail to be started, and so often where the forkserver ended meanwhile, as it does when memory or
#: processes run out in that moment.
_MOST_FAILED_STARTS = 2
_MOST_LOST_STARTS = 10
_LOADING = "waiting until libraries are loaded"
_LOST = "waiting: the process that starts jobs ended"


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
        #: How often in a row the process of a job could not be started, by job and whether the forkserver ended in it.
        self._failed_starts: Counter[tuple[str, bool]] = Counter()
        #: The forkservers that ended when they were to start a process, by process id: what ran then ended for no fault of its own.
        self.ended_in_a_start: set[int] = set()
        self._again_at = float("-inf")

    def start_next(self) -> RunningJob | None:
        """Start the job that waits longest. None when none does, or when nothing can be started now."""
        if time.monotonic() < self._again_at:
            return None
        if not self._store.has_waiting():
            self.reason_to_wait = None
            return None
        status = forkserver = None
        try:
            assure_enough_to_start()
            if not self._forkserver.is_warm():
                self.reason_to_wait = _LOADING
                return None  # the runner is woken when they are there
            forkserver = forkserver_pid()
            if forkserver is not None:
                self.ended_in_a_start.discard(forkserver)  # another one, which was given the id of one before
            status = self._store.start_next()
            if status is None:
                return None
            job = self._launch(status)
        except (OSError, EOFError) as fault:
            is_lost = isinstance(fault, EOFError | ConnectionError) and has_ended(forkserver)
            if is_lost and forkserver is not None:
                self.ended_in_a_start.add(forkserver)
            self._put_off(status, fault, is_lost)
            return None
        self.reason_to_wait = None
        self._forget_starts(job.status.job_id)
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

    def give_back(self, status: JobStatus, lacked: int) -> None:
        """A job whose process lacked something before the job began, by the error's number, waits again as if it had not been tried."""
        self._put_off(status, OSError(lacked, os.strerror(lacked)))

    def _put_off(self, status: JobStatus | None, fault: OSError | EOFError, is_lost: bool = False) -> None:
        """Start nothing for a while; a job that was to be started, ``status``, waits again or has failed for good.

        ``is_lost``: the forkserver ended in it.
        """
        self._again_at = time.monotonic() + _AGAIN_SECONDS
        shortage = shortage_of(fault)
        job_id = {} if status is None else {"jobId": status.job_id}
        if shortage is None:
            log.error("a job's process could not be started", exc_info=fault, extra={"fields": job_id})
        elif shortage != self.reason_to_wait:  # it may last, and is told once
            log.warning("jobs wait because of a shortage", extra={"fields": {**job_id, "reason": str(fault)}})
        self.reason_to_wait = shortage or (_LOST if is_lost else None)
        if status is None:
            return
        # One that has run before is not what ends the forkserver.
        if shortage is not None or (is_lost and status.restarts):
            self._store.put_back(status.job_id)
        else:
            self._try_again(status, is_lost)
        with contextlib.suppress(OSError):  # the next try makes it afresh, and the next start removes it
            self._janitor.discard(self._work_dir(status))

    def _try_again(self, status: JobStatus, is_lost: bool) -> None:
        """A job whose process cannot be started waits again, and fails after some times in a row; its deaths do not count."""
        self._failed_starts[status.job_id, is_lost] += 1
        fault = None
        if self._failed_starts[status.job_id, is_lost] >= (_MOST_LOST_STARTS if is_lost else _MOST_FAILED_STARTS):
            fault = JobCrashed("The job's process could not be started.", details={"attempt": status.attempt})
            self._forget_starts(status.job_id)
        self._store.end_attempt(status.job_id, None if fault is None else fault.to_job_error())

    def _forget_starts(self, job_id: str) -> None:
        for is_lost in (False, True):
            del self._failed_starts[job_id, is_lost]

    def _work_dir(self, status: JobStatus) -> Path:
        return self._work_root / status.job_id
