"""The trainer as a service; its work is ``trainer.job``. It can pause, and it knows which models there are."""

from __future__ import annotations

from fastapi import FastAPI

from trainer.champion import champion_router
from trainer.models_routes import models_router
from trainer.preload import PRELOAD
from trainer.settings import TrainerSettings
from wlops_common import app as common
from wlops_common.contracts import TrainRequest, TrainResult
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.jobs.running import StopTimes
from wlops_common.serve import serve

DEFINITION = ServiceDefinition(
    name="trainer",
    route="train",
    entry="trainer.job:run",
    request_model=TrainRequest,
    result_model=TrainResult,
    phases=frozenset({"training"}),
    manifest_field="model",
    preload=PRELOAD,
    can_pause=True,
    can_save_memory=True,
)

#: From SIGTERM, which ends a training, to SIGKILL.
_KILL_AFTER_SECONDS = 3


def create_app(settings: TrainerSettings) -> FastAPI:
    """The application, with its job store open."""
    saving = settings.pause_save_seconds
    return common.create_app(
        DEFINITION,
        settings,
        routers=[models_router(settings), champion_router(settings)],
        stop_times=StopTimes(pause_terminate=saving, pause_kill=saving + _KILL_AFTER_SECONDS),
    )


def main() -> None:
    """Run the service."""
    serve(DEFINITION.name, TrainerSettings, create_app)
