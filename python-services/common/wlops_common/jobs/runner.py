"""The scheduler of one service: one thread that starts waiting jobs, follows running ones and writes down how they end.

Rules (``docs/job-protocol.md``, States): at most N jobs run; a job has ended when no process of it is left; a process that dies without
an answer is run again as long as it gets further, one that ended with the forkserver whether it does or not; a service that stops lets
its jobs save and leaves them `queued`. Not here: how a process is started (``starting``), what it does (``child``), how a job that
was told to stop is brought to it (``running``), and whether a death speaks against its job (``deaths``).
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections import Counter
from datetime import timedelta
from multiprocessing.connection import wait
from pathlib import Path

from wlops_common.contracts import JobError, JobStatus
from wlops_common.errors import JobAbandoned
from wlops_common.jobs.deaths import fault_of_death, fault_of_memory, ran_out_of_memory
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.jobs.forkserver import Forkserver
from wlops_common.jobs.janitor import Janitor
from wlops_common.jobs.job_log import bound_log
from wlops_common.jobs.leases import Leases
from wlops_common.jobs.living import kill_all
from wlops_common.jobs.outcome import Outcome
from wlops_common.jobs.running import RunningJob, StopTimes
from wlops_common.jobs.shortages import shortage_of
from wlops_common.jobs.starting import Starter
from wlops_common.jobs.store import JobStore
from wlops_common.metrics import ServiceMetrics
from wlops_common.object_store import S3ObjectStore
from wlops_common.settings import ServiceSettings

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.5
_HEARTBEAT_SECONDS = 2.0
#: So often in a row a job that ends with the forkserver is run again for that alone; then it may be what ends it.
_MOST_LOSSES = 10
#: How long a runner that failed waits before it begins anew.
_ANEW_SECONDS = 2.0
#: How long to wait for the end of processes that were killed.
_LEFTOVERS_SECONDS = 5.0
#: Finished jobs are forgotten after this; a task that asks later is told that the job is lost.
_RETENTION = timedelta(days=30)
_FORGET_EVERY_SECONDS = 24 * 3600


_STOOD_STILL = "its process stood still"
_STARTER_ENDED = "the process that starts jobs ended"
_BEGAN_ANEW = "its service failed and began anew"
_ABANDONED = JobAbandoned("Nobody asked about the job for so long that it was stopped.").to_job_error()


class JobRunner:
    """Runs the jobs of a store until told to stop."""

    def __init__(
        self,
        definition: ServiceDefinition,
        settings: ServiceSettings,
        store: JobStore,
        metrics: ServiceMetrics,
        stop_times: StopTimes | None = None,
    ) -> None:
        self._definition = definition
        self._settings = settings
        self._store = store
        self._metrics = metrics
        self._work_root = settings.work_dir(definition.name)
        self._janitor = Janitor(lambda: S3ObjectStore(settings.bucket))
        self._forkserver = Forkserver(definition, self.wake)
        self.leases = Leases(settings.job_lease_seconds)
        self._running: list[RunningJob] = []
        #: How often in a row a job has ended with the forkserver.
        self._losses: Counter[str] = Counter()
        self._stop_times = stop_times or StopTimes()
        self._starter = Starter(definition, settings, store, self._forkserver, self._janitor, self._stop_times)
        self._stopping = False
        #: Whether jobs are told to save because the service stops.
        self._is_saving = False
        self._is_hurried = False
        self._is_closed = False
        self._has_failed = False
        self._forget_next = float("-inf")
        metrics.watch(lambda: [job.pulse.seen for job in list(self._running)])
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._thread = threading.Thread(target=self._loop, name="job-runner", daemon=True)

    def start(self) -> None:
        """Take up the jobs an earlier process left, and begin. To be called from the main thread, once."""
        leftovers = _end_leftovers(self._work_root)
        for folder in self._work_root.glob("*"):
            self._janitor.discard(folder)
        requeued = self._store.requeue_running()
        for job_id in requeued:
            self._metrics.job_restarted("service")
            log.info("job taken up again after a restart", extra={"fields": {"jobId": job_id}})
        if leftovers:
            log.warning("processes of an earlier service were still running", extra={"fields": {"ended": leftovers}})
        self._forkserver.prepare()
        self._thread.start()

    def stop(self) -> None:
        """Let the jobs that can pause save what they have, end them all, and leave them `queued` for the next start."""
        self._stopping = True
        self.wake()
        self._thread.join()
        self._janitor.stop()
        self._forkserver.stop()
        self._is_closed = True
        os.close(self._wake_read)
        os.close(self._wake_write)

    def hurry(self) -> None:
        """End all children at once when the service stops, saved or not. May be called by a signal: it takes no lock."""
        self._is_hurried = True
        self.wake()

    def wake(self) -> None:
        """Look at the store now; to be called after a submit or an order, from any thread."""
        if self._is_closed:
            return
        with contextlib.suppress(BlockingIOError):  # woken a great many times already, and about to look
            os.write(self._wake_write, b"!")

    @property
    def alive(self) -> bool:
        """Whether jobs are run now: the runner's thread runs, and is not about to begin anew."""
        return self._thread.is_alive() and not self._has_failed

    @property
    def reason_to_wait(self) -> str | None:
        """What waiting jobs wait for where that is not one another: libraries that are loaded, or a shortage; in words for people."""
        return self._starter.reason_to_wait

    def log_file(self, job_id: str) -> Path:
        """Where the job with this id writes its log."""
        return self._settings.job_log(job_id)

    def _loop(self) -> None:
        while not self._stopping:
            try:
                if self._has_failed:
                    self._end_all(_BEGAN_ANEW)
                    self._has_failed = False
                self._run()
            except Exception as fault:
                # No descriptors or no space on the disk, as a rule: what ran is run again when there are, as after a restart.
                self._has_failed = True
                self._starter.reason_to_wait = shortage_of(fault)
                log.exception("the job runner failed; it ends its jobs and begins anew")
                time.sleep(_ANEW_SECONDS)
        try:
            self._let_save()
        except Exception:
            log.exception("the job runner failed while jobs saved for the next start")
        self._end_all()

    def _run(self) -> None:
        while not self._stopping:
            self._forget_when_due(time.monotonic())
            self._stop_abandoned(time.monotonic())
            self._start_waiting()
            self._sleep()
            for job in list(self._running):
                self._follow(job)

    def _forget_when_due(self, now: float) -> None:
        """Delete what is past its retention, at the start and then once a day; ``now`` is on the monotonic clock."""
        if now < self._forget_next:
            return
        self._forget_next = now + _FORGET_EVERY_SECONDS
        for job_id in self._store.forget_finished_before(_RETENTION):
            self.log_file(job_id).unlink(missing_ok=True)

    def _stop_abandoned(self, now: float) -> None:
        """Stop the jobs that nobody asks about any more: what can pause keeps its work, what cannot fails and can be run again."""
        if not self.leases.are_due(now):
            return
        for job_id in self.leases.expired((job.job_id for job in self._store.live()), now):
            log.warning("nobody asks about this job, stopping it", extra={"fields": {"jobId": job_id}})
            if self._definition.can_pause:
                self._store.pause(job_id)
            elif not self._store.fail_waiting(job_id, _ABANDONED):
                for job in self._running:
                    job.is_abandoned |= job.status.job_id == job_id

    def _let_save(self) -> None:
        """Let running jobs save as for a pause, so that the next start goes on from here; what takes longer has an older checkpoint."""
        if not self._definition.can_pause or self._has_failed:
            return
        self._is_saving = True
        until = time.monotonic() + self._stop_times.stop_save
        while True:
            for job in list(self._running):
                self._follow(job)
            if not self._running or self._is_hurried or time.monotonic() >= until:
                return
            self._sleep()

    def _sleep(self) -> None:
        handles = [handle for job in self._running for handle in job.handles()]
        # Orders have deadlines of their own; the tick is for heartbeats and logs.
        now = time.monotonic()
        looks = [job.next_look() for job in self._running]
        ready = wait([self._wake_read, *handles], timeout=max(0.0, min([now + _TICK_SECONDS, *looks]) - now))
        if self._wake_read in ready:
            os.read(self._wake_read, 65536)

    def _start_waiting(self) -> None:
        while len(self._running) < self._settings.max_jobs and (job := self._starter.start_next()) is not None:
            self._running.append(job)
            log.info(
                "job started",
                extra={"fields": {**_identity(job), "attempt": job.status.attempt, "pid": job.process.pid}},
            )

    def _follow(self, job: RunningJob) -> None:
        now = time.monotonic()
        is_gone = job.is_gone(now)  # asked first, so that reading takes everything it ever sent
        progress = job.read()
        if progress is not None or now - job.heard >= _HEARTBEAT_SECONDS:
            self._store.record_progress(job.status.job_id, progress)
            job.heard = now
            job.feel_pulse(progress, now)
        if is_gone:
            self._running.remove(job)
            self._conclude(job)
            return
        bound_log(job.log_file)
        order = self._store.order_of(job.status.job_id)
        job.obey(order or ("cancel" if job.is_abandoned else "pause" if self._is_saving else None), now)

    def _conclude(self, job: RunningJob) -> None:
        exit_code = job.process.exit_code
        try:
            is_lost = job.outcome is None and job.process.is_lost
            ended = self._written_down(job, exit_code, is_lost)
        finally:
            self._release(job)
        if not is_lost:
            del self._losses[job.status.job_id]
        if ended is None:
            return
        if ended.state == "queued":
            self._metrics.job_restarted("service" if is_lost else "crash")
            log.warning(
                "job process died, running it again",
                extra={"fields": {**_identity(job), "exitCode": exit_code, "stoodStill": job.stood_still}},
            )
            return
        self._starter.killed_for_memory.discard(job.status.job_id)
        seconds = time.monotonic() - job.started
        self._metrics.job_ended(job.status.phase, ended.state, seconds)
        code = {"code": ended.error.code} if ended.error else {}
        log.info(
            "job ended",
            extra={"fields": {**_identity(job), "state": ended.state, "seconds": round(seconds, 3), **code}},
        )

    def _written_down(self, job: RunningJob, exit_code: int | None, is_lost: bool) -> JobStatus | None:
        """How the job stands after this attempt, or None when it is to be run as if there had been none."""
        job_id = job.status.job_id
        if self._is_saving and self._has_more_to_do(job):
            return None  # it is put back with those that have not ended
        if job.outcome is not None:
            return self._finish(job_id, job.outcome)
        if job.lacked is not None:
            self._starter.give_back(job.status, job.lacked)
            return None
        if is_lost and not job.is_abandoned and self._losses[job_id] < _MOST_LOSSES:
            self._losses[job_id] += job.process.forkserver not in self._starter.ended_in_a_start
            return self._store.end_attempt(job_id, None, told=job.told, cause="service", why=_STARTER_ENDED)
        fault = _ABANDONED if job.is_abandoned else self._fault_of(job, exit_code)
        why = _STOOD_STILL if job.stood_still else _STARTER_ENDED if is_lost else None
        return self._store.end_attempt(job_id, fault, told=job.told, exit_code=exit_code, why=why)

    def _has_more_to_do(self, job: RunningJob) -> bool:
        """Whether a job that ended while the service stops is to be run again: nobody else told it to pause."""
        if job.outcome is None:
            return True
        return job.outcome.state == "paused" and self._store.order_of(job.status.job_id) is None

    def _finish(self, job_id: str, outcome: Outcome) -> JobStatus:
        if outcome.state == "cancelled" and self._store.order_of(job_id) is None:
            return self._store.finish(job_id, "failed", error=_ABANDONED)
        return self._store.finish(job_id, outcome.state, result=outcome.result, error=outcome.error)

    def _fault_of(self, job: RunningJob, exit_code: int | None) -> JobError | None:
        """Why a process died without an answer, or None when it is to be run again."""
        deaths = self._store.deaths_of(job.status.job_id)
        if not ran_out_of_memory(job, exit_code):
            return fault_of_death(job, exit_code, deaths)
        if self._definition.can_save_memory and deaths.total == 0:
            self._starter.killed_for_memory.add(job.status.job_id)
            return None
        return fault_of_memory(job, exit_code)

    def _release(self, job: RunningJob) -> None:
        job.process.close()
        self._janitor.discard(job.process.work_dir)

    def _end_all(self, why: str | None = None) -> None:
        for job in self._running:
            job.process.signal_group(signal.SIGKILL)
        while self._running:
            job = self._running[-1]
            _end_leftovers(job.process.work_dir, job.process.pid)
            self._running.pop()
            self._release(job)
        self._store.requeue_running(why)


def _end_leftovers(folder: Path, group: int | None = None) -> int:
    """Kill all processes of a job, or those of a service that was killed together with its jobs, and wait for their end."""
    leftovers = kill_all(folder, group)
    deadline = time.monotonic() + _LEFTOVERS_SECONDS
    while kill_all(folder, group) and time.monotonic() < deadline:
        time.sleep(0.01)
    return leftovers


def _identity(job: RunningJob) -> dict[str, object]:
    status = job.status
    return {
        "jobId": status.job_id,
        "taskId": status.task_id,
        "iteration": status.iteration,
        "phase": status.phase,
        "segment": status.segment,
        "requestId": job.request_id,
    }
