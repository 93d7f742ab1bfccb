"""What the routes of jobs do: write to the store, wake the runner, and wait for the end of a job where that is asked for.

Not here: HTTP (``routes``), states (``store``), processes (``runner``).
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from fastapi.concurrency import run_in_threadpool

from wlops_common.contracts import JobProgress, JobRequest, JobStatus, LiveJobs
from wlops_common.errors import NotReady
from wlops_common.jobs.endings import Endings
from wlops_common.jobs.rows import FINISHED
from wlops_common.jobs.runner import JobRunner
from wlops_common.jobs.store import JobStore

#: Jobs that wait or run, in one answer.
MOST_LISTED = 1000


@dataclass(frozen=True)
class JobDesk:
    """The jobs of one service, to those who ask from outside. No method holds a thread while it waits."""

    store: JobStore
    runner: JobRunner
    endings: Endings

    async def submit(self, request: JobRequest, request_id: str | None, wait_seconds: float = 0) -> JobStatus:
        """Take a job in. Raises ``NotReady``, ``JobKeyConflict`` or ``QueueFull``."""
        if not self.runner.alive:
            raise NotReady("The service cannot run jobs now.", details={"reasons": ["runner"]})
        status = await run_in_threadpool(self.store.submit, request, request_id)
        return await self._woken(status, wait_seconds)

    async def status(self, job_or_task_id: str, wait_seconds: float = 0) -> JobStatus:
        """Look at a job. Raises ``JobNotFound``."""
        return await self._when_over(await run_in_threadpool(self.store.find, job_or_task_id), wait_seconds)

    async def live(self) -> LiveJobs:
        """The jobs that wait or run. Asks about none of them in particular, so their leases go on."""
        jobs = await run_in_threadpool(self.store.live, MOST_LISTED)
        return LiveJobs(items=[self._with_reason_to_wait(status) for status in jobs])

    async def cancel(self, job_or_task_id: str, wait_seconds: float = 0) -> JobStatus | None:
        """End a job; None for a job id that is not known, which now never runs. Raises ``JobNotFound`` for a task id."""
        status = await run_in_threadpool(self.store.cancel, job_or_task_id)
        return None if status is None else await self._woken(status, wait_seconds)

    async def pause(self, job_or_task_id: str, wait_seconds: float = 0) -> JobStatus:
        """Let a job save and end. Raises ``JobNotFound``."""
        return await self._woken(await run_in_threadpool(self.store.pause, job_or_task_id), wait_seconds)

    async def _woken(self, status: JobStatus, wait_seconds: float) -> JobStatus:
        self.runner.wake()
        return await self._when_over(status, wait_seconds)

    async def _when_over(self, status: JobStatus, wait_seconds: float) -> JobStatus:
        """The status when the job is over, or when the time is up."""
        self.runner.leases.renew(status.job_id)
        if status.state in FINISHED or wait_seconds == 0:
            return self._with_reason_to_wait(status)
        with self.runner.leases.waited_for(status.job_id), self.endings.expected(status.job_id) as ended:
            status = await run_in_threadpool(self.store.find, status.job_id)
            if status.state in FINISHED:
                return status
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), wait_seconds)
        return self._with_reason_to_wait(await run_in_threadpool(self.store.find, status.job_id))

    def _with_reason_to_wait(self, status: JobStatus) -> JobStatus:
        """A waiting job says what keeps the service from starting it, unless it has something of its own to say."""
        reason = self.runner.reason_to_wait
        if status.state != "queued" or status.progress is not None or reason is None:
            return status
        return status.model_copy(update={"progress": JobProgress(stage=reason)})
