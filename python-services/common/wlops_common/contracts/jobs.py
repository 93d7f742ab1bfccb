"""How a job stands: its progress, its error, its status. The same for all services."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from wlops_common.contracts.messages import Message

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled", "paused"]
JobPhase = Literal["optimization", "training", "evaluation", "final"]


class JobProgress(Message):
    """What a job is doing now."""

    stage: str
    step: int = 0
    total_steps: int | None = None
    loss: float | None = None
    score: float | None = None
    rate: float | None = None
    eta_seconds: float | None = None


class JobError(Message):
    """Why a job failed. ``details`` holds what helps to mend the input: file line, sample, field."""

    code: str
    message: str
    details: dict[str, Any] | None = None
    retryable: bool


class JobRestart(Message):
    """An attempt of a job that ended without an answer and was followed by another one.

    ``cause`` says what ended: the job's ``process`` alone, or its ``service``. ``stage`` and ``step`` are the last it had told.
    """

    attempt: int
    at: str
    cause: Literal["process", "service"]
    exit_code: int | None
    stage: str | None
    step: int | None


class JobStatus(Message):
    """One job as its service sees it. ``restarts`` are the newest 20, the oldest of them first."""

    job_id: str
    job_key: str
    task_id: str
    iteration: int
    phase: JobPhase
    segment: int
    state: JobState
    attempt: int
    restarts: list[JobRestart] = Field(default_factory=list)
    progress: JobProgress | None
    result: dict[str, Any] | None
    error: JobError | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    updated_at: str


class LiveJobs(Message):
    """Jobs that wait or run, those that wait longest first."""

    items: list[JobStatus]
