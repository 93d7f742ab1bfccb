"""The frame around ``probe_job``, run as a process of its own by the tests that kill it."""

from __future__ import annotations

import os

from fastapi import FastAPI
from pydantic import Field

from wlops_common import app as common
from wlops_common.contracts import TrainRequest, TrainResult
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.jobs.running import StopTimes
from wlops_common.serve import serve
from wlops_common.settings import ServiceSettings

DEFINITION = ServiceDefinition(
    name="trainer",
    route="train",
    entry="probe_job:run",
    request_model=TrainRequest,
    result_model=TrainResult,
    phases=frozenset({"training"}),
    manifest_field="model",
    can_pause="PROBE_CANNOT_PAUSE" not in os.environ,
    can_wait=True,
    preload=tuple(os.environ.get("PROBE_PRELOAD", "").split()),
)

#: Of a pause, and of jobs that save when the service stops; a cancel takes as long as it does for users.
_SAVING = float(os.environ.get("PROBE_SAVE_SECONDS", "0.5"))
STOP_TIMES = StopTimes(pause_terminate=_SAVING, pause_kill=_SAVING + 0.5, stop_save=_SAVING + 1)


class ProbeSettings(ServiceSettings):
    """Any port, and times as short as the tests can wait for."""

    port: int = Field(0, validation_alias="WLOPS_TRAINER_PORT")
    job_lease_seconds: float = Field(1800, ge=0, validation_alias="WLOPS_JOB_LEASE_SECONDS")
    job_standstill_seconds: float = Field(600, ge=0, validation_alias="WLOPS_JOB_STANDSTILL_SECONDS")


def create_app(settings: ProbeSettings) -> FastAPI:
    """The application."""
    return common.create_app(DEFINITION, settings, stop_times=STOP_TIMES)


if __name__ == "__main__":
    serve(DEFINITION.name, ProbeSettings, create_app)
