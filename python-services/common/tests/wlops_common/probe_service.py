"""The frame around ``probe_job``, run as a process of its own by the tests that kill it."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import Field

from wlops_common import app as common
from wlops_common.contracts import TrainRequest, TrainResult
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.jobs.runner import StopTimes
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
    can_pause=True,
    can_wait=True,
)

#: Short, so that the tests are.
STOP_TIMES = StopTimes(cancel_terminate=0.3, cancel_kill=0.8, pause_terminate=0.5, pause_kill=1.0)


class ProbeSettings(ServiceSettings):
    """Any port."""

    port: int = Field(0, validation_alias="WLOPS_TRAINER_PORT")


def create_app(settings: ProbeSettings) -> FastAPI:
    """The application."""
    return common.create_app(DEFINITION, settings, stop_times=STOP_TIMES)


if __name__ == "__main__":
    serve(DEFINITION.name, ProbeSettings, create_app)
