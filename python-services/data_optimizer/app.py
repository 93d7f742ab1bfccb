"""The data optimizer as a service; its work is ``data_optimizer.job``."""

from __future__ import annotations

from fastapi import FastAPI

from data_optimizer.preload import PRELOAD
from data_optimizer.settings import OptimizerSettings
from wlops_common import app as common
from wlops_common.contracts import OptimizeRequest, OptimizeResult
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.serve import serve

DEFINITION = ServiceDefinition(
    name="optimizer",
    route="optimize",
    entry="data_optimizer.job:run",
    request_model=OptimizeRequest,
    result_model=OptimizeResult,
    phases=frozenset({"optimization"}),
    manifest_field="manifest",
    preload=PRELOAD,
    can_wait=True,
)


def create_app(settings: OptimizerSettings) -> FastAPI:
    """The application, with its job store open."""
    return common.create_app(DEFINITION, settings)


def main() -> None:
    """Run the service."""
    serve(DEFINITION.name, OptimizerSettings, create_app)
