"""Whether the death of a job's process without an answer is a fault of the job, or it is to be run again.

Not here: what becomes of the job (``runner``), and what is known of earlier deaths (``restarts``).
"""

from __future__ import annotations

import signal

from wlops_common.contracts import JobError
from wlops_common.errors import JobCrashed, ResourceExhausted
from wlops_common.jobs.memory import out_of_memory_kills
from wlops_common.jobs.restarts import Deaths
from wlops_common.jobs.running import RunningJob

#: A process that dies before it tells of any progress says nothing about where: so often in a row is a fault of the job's own.
_MOST_SILENT_DEATHS = 3


def ran_out_of_memory(job: RunningJob, exit_code: int | None) -> bool:
    """Whether the system killed it for want of memory, as far as can be told."""
    return not job.stood_still and exit_code == -signal.SIGKILL and job.memory_kills_before != out_of_memory_kills()


def fault_of_memory(job: RunningJob, exit_code: int | None) -> JobError:
    """The fault of a job whose process was killed for that."""
    return ResourceExhausted(
        "The system ended the job because memory ran out. Use a smaller model, batch or data set.",
        details=_details(job, exit_code),
    ).to_job_error()


def fault_of_death(job: RunningJob, exit_code: int | None, deaths: Deaths) -> JobError | None:
    """The fault of a job that died no further than an attempt before it; None where it is to be run again.

    Who kills a job from outside does not hit the same place twice; a fault of the job's own does.
    """
    if job.told:
        is_new = any(stage not in deaths.furthest or step > deaths.furthest[stage] for stage, step in job.told.items())
    else:
        is_new = deaths.silent + 1 < _MOST_SILENT_DEATHS
    if is_new:
        return None
    stage = next(reversed(job.told), None)
    died = f"died again without an answer, no further than before (exit code {exit_code})"
    if job.stood_still:
        died = "stood still again and was ended, no further than before"
    return JobCrashed(
        f"The job's process {died}.",
        details={**_details(job, exit_code), "stage": stage, "step": None if stage is None else deaths.furthest[stage]},
    ).to_job_error()


def _details(job: RunningJob, exit_code: int | None) -> dict[str, object]:
    return {"exitCode": exit_code, "attempt": job.status.attempt}
