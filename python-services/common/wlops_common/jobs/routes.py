"""The job routes of a service: submit, wait, look, cancel, pause, log. What they do is in ``desk``."""

# The annotations of the handlers are the definition's own models, so they must be evaluated where they stand:
# no `from __future__ import annotations` here.
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer

from wlops_common.contracts import JobRequest, JobStatus, LiveJobs
from wlops_common.errors import ValidationFailed
from wlops_common.http_errors import request_id_of
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.jobs.desk import JobDesk
from wlops_common.jobs.ids import parse_job_key
from wlops_common.jobs.job_log import MAX_LOG_BYTES, read_tail
from wlops_common.jobs.rows import FINISHED, utc_now

JobOrTaskId = Annotated[
    str, Path(alias="id", pattern=r"^[A-Za-z0-9_-]{1,80}$", description="A job id, or a task id for its latest job")
]

#: How long the answer may wait for the end of the job.
WaitSeconds = Annotated[float, Query(alias="waitSeconds", ge=0, le=30, allow_inf_nan=False)]


def job_router(definition: ServiceDefinition, desk: JobDesk) -> APIRouter:
    """The routes below ``/api/v1/<route>``. The guard has checked the token; the scheme stands here for the OpenAPI page."""
    router = APIRouter(
        prefix=f"/api/v1/{definition.route}", tags=["jobs"], dependencies=[Depends(HTTPBearer(auto_error=False))]
    )
    _add_submits(router, definition, desk)
    _add_orders(router, definition, desk)

    @router.get("", response_model=LiveJobs)
    async def live(live: Annotated[Literal["true"], Query()]) -> JSONResponse:  # noqa: ARG001 - says that no others are listed
        """The jobs that wait or run, the oldest first, at most 1,000. Does not count as asking about them."""
        return JSONResponse((await desk.live()).to_json())

    @router.get("/{id}", response_model=JobStatus)
    async def status(job_or_task_id: JobOrTaskId, wait_seconds: WaitSeconds = 0) -> JSONResponse:
        """The job, or the latest job of the task. 404 means that the store does not know it: lost, not failed."""
        return _answer(await desk.status(job_or_task_id, wait_seconds))

    @router.get("/{id}/log", response_class=Response)
    def log(job_or_task_id: JobOrTaskId) -> Response:
        """The job's log so far, the last 4 MiB: JSON lines of its own and what libraries print."""
        job_id = desk.store.find(job_or_task_id).job_id
        return Response(read_tail(desk.runner.log_file(job_id), MAX_LOG_BYTES), media_type="text/plain; charset=utf-8")

    return router


def _add_submits(router: APIRouter, definition: ServiceDefinition, desk: JobDesk) -> None:
    request_model: Any = definition.request_model

    @router.post("", status_code=202, response_model=JobStatus)
    async def submit(body: request_model, request: Request) -> JSONResponse:
        """Take a job in; the same key and body answer with the same job."""
        _check_key(definition, body)
        return _answer(await desk.submit(body, request_id_of(request)), 202)

    if not definition.can_wait:
        return

    @router.post("/sync", response_model=JobStatus)
    async def submit_and_wait(
        body: request_model,
        request: Request,
        wait_seconds: Annotated[float, Query(alias="waitSeconds", ge=0, le=300, allow_inf_nan=False)] = 60,
    ) -> JSONResponse:
        """The same, but wait: 200 with the finished job, or 202 when it is not finished by then."""
        _check_key(definition, body)
        status = await desk.submit(body, request_id_of(request), wait_seconds)
        return _answer(status, 200 if status.state in FINISHED else 202)


def _add_orders(router: APIRouter, definition: ServiceDefinition, desk: JobDesk) -> None:
    @router.post("/{id}/cancel", response_model=JobStatus)
    async def cancel(job_or_task_id: JobOrTaskId, wait_seconds: WaitSeconds = 0) -> JSONResponse:
        """End the job. An unknown job id is remembered: should that job arrive later, it never runs."""
        status = await desk.cancel(job_or_task_id, wait_seconds)
        return _answer(status or _never_arrived(definition, job_or_task_id))

    if not definition.can_pause:
        return

    @router.post("/{id}/pause", response_model=JobStatus)
    async def pause(job_or_task_id: JobOrTaskId, wait_seconds: WaitSeconds = 0) -> JSONResponse:
        """Let the job save a checkpoint and end as `paused`."""
        return _answer(await desk.pause(job_or_task_id, wait_seconds))


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
