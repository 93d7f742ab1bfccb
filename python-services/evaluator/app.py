"""The evaluator as a service; its work is ``evaluator.job``."""

from __future__ import annotations

from fastapi import FastAPI

from evaluator.settings import EvaluatorSettings
from wlops_common import app as common
from wlops_common.contracts import EvaluateRequest, EvaluateResult
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.serve import serve

DEFINITION = ServiceDefinition(
    name="evaluator",
    route="evaluate",
    entry="evaluator.job:run",
    request_model=EvaluateRequest,
    result_model=EvaluateResult,
    phases=frozenset({"evaluation", "final"}),
    manifest_field=None,
    preload=("numpy", "sklearn.cluster", "torch"),
    preload_at_start=False,
)


def create_app(settings: EvaluatorSettings) -> FastAPI:
    """The application, with its job store open."""
    return common.create_app(DEFINITION, settings)


def main() -> None:
    """Run the service."""
    serve(DEFINITION.name, EvaluatorSettings, create_app)
