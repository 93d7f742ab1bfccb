"""The job routes of a service: submit, wait, look, cancel, pause, log. All they do is to write to the store and wake the runner."""

# The annotations of the handlers are the definition's own models, so they must be evaluated where they stand:
# no `from __future__ import annotations` here.
import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer

from wlops_common.contracts import JobRequest, JobStatus
from wlops_common.errors import NotReady, ValidationFailed
from wlops_common.http_errors import request_id_of
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.jobs.ids import parse_job_key
from wlops_common.jobs.job_log import MAX_LOG_BYTES, read_tail
from wlops_common.jobs.runner import JobRunner
from wlops_common.jobs.store import FINISHED, JobStore, utc_now

JobOrTaskId = Annotated[
    str, Path(alias="id", pattern=r"^[A-Za-z0-9_-]{1,80}$", description="A job id, or a task id for its latest job")
]

_POLL_SECONDS = 0.1


def job_router(definition: ServiceDefinition, store: JobStore, runner: JobRunner) -> APIRouter:
    """The routes below ``/api/v1/<route>``. The guard has checked the token; the scheme stands here for the OpenAPI page."""
    router = APIRouter(
        prefix=f"/api/v1/{definition.route}", tags=["jobs"], dependencies=[Depends(HTTPBearer(auto_error=False))]
    )
    request_model: Any = definition.request_model

    def take(body: JobRequest, request: Request) -> JobStatus:
        _check_key(definition, body)
        if not runner.alive:
            raise NotReady("The service cannot run jobs now.", details={"reasons": ["runner"]})
        status = store.submit(body, request_id_of(request))
        runner.wake()
        return status

    @router.post("", status_code=202, response_model=JobStatus)
    def submit(body: request_model, request: Request) -> JSONResponse:
        """Take a job in; the same key and body answer with the same job."""
        return _answer(take(body, request), 202)

    if definition.can_wait:

        @router.post("/sync", response_model=JobStatus)
        async def submit_and_wait(
            body: request_model,
            request: Request,
            wait_seconds: Annotated[float, Query(alias="waitSeconds", ge=0, le=300)] = 60,
        ) -> JSONResponse:
            """The same, but wait: 200 with the finished job, or 202 when it is not finished by then."""
            status = await run_in_threadpool(take, body, request)
            deadline = time.monotonic() + wait_seconds
            while status.state not in FINISHED and time.monotonic() < deadline:
                await asyncio.sleep(_POLL_SECONDS)
                status = await run_in_threadpool(store.find, status.job_id)
            return _answer(status, 200 if status.state in FINISHED else 202)

    @router.get("/{id}", response_model=JobStatus)
    def status(job_or_task_id: JobOrTaskId) -> JSONResponse:
        """The job, or the latest job of the task. 404 means that the store does not know it: lost, not failed."""
        return _answer(store.find(job_or_task_id))

    @router.post("/{id}/cancel", response_model=JobStatus)
    def cancel(job_or_task_id: JobOrTaskId) -> JSONResponse:
        """End the job. An unknown job id is remembered: should that job arrive later, it never runs."""
        cancelled = store.cancel(job_or_task_id)
        runner.wake()
        return _answer(cancelled or _never_arrived(definition, job_or_task_id))

    if definition.can_pause:

        @router.post("/{id}/pause", response_model=JobStatus)
        def pause(job_or_task_id: JobOrTaskId) -> JSONResponse:
            """Let the job save a checkpoint and end as `paused`."""
            paused = store.pause(job_or_task_id)
            runner.wake()
            return _answer(paused)

    @router.get("/{id}/log", response_class=Response)
    def log(job_or_task_id: JobOrTaskId) -> Response:
        """The job's log so far, the last 4 MiB: JSON lines of its own and what libraries print."""
        job_id = store.find(job_or_task_id).job_id
        return Response(read_tail(runner.log_file(job_id), MAX_LOG_BYTES), media_type="text/plain; charset=utf-8")

    return router


def _answer(status: JobStatus, http_status: int = 200) -> JSONResponse:
    return JSONResponse(status.to_json(), http_status)


def _never_arrived(definition: ServiceDefinition, job_id: str) -> JobStatus:
    """The status of a job that was cancelled before it arrived. Its key is not known, so the id stands for it."""
    now = utc_now()
    return JobStatus(
        job_id=job_id,
        job_key=job_id,
        task_id=job_id,
        iteration=0,
        phase=min(definition.phases),
        segment=0,
        state="cancelled",
        attempt=0,
        progress=None,
        result=None,
        error=None,
        created_at=now,
        started_at=None,
        finished_at=now,
        updated_at=now,
    )


def _check_key(definition: ServiceDefinition, body: JobRequest) -> None:
    """The key says the same as the fields, and names a phase of this service. Raises ``ValidationFailed``."""
    key = parse_job_key(body.job_key)
    faults = [
        (field, f"must agree with jobKey, which says {said}")
        for field, said, given in (
            ("taskId", key.task_id, body.task_id),
            ("iteration", key.iteration, body.iteration),
            ("segment", key.segment, body.segment),
        )
        if said != given
    ]
    if key.phase not in definition.phases:
        faults.append(("jobKey", f"names phase {key.phase}; this service does {', '.join(sorted(definition.phases))}"))
    if faults:
        field, message = faults[0]
        fields = [{"field": name, "message": text} for name, text in faults]
        raise ValidationFailed(f"{field}: {message}", details={"fields": fields})
