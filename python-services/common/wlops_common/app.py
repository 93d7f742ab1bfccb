"""The HTTP application of a service, put together from its definition and settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool

from wlops_common.auth import audience_of
from wlops_common.health import health_router
from wlops_common.http_errors import install_error_handlers
from wlops_common.http_guard import HttpGuard
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.jobs.desk import JobDesk
from wlops_common.jobs.endings import Endings
from wlops_common.jobs.routes import job_router
from wlops_common.jobs.runner import JobRunner
from wlops_common.jobs.running import StopTimes
from wlops_common.jobs.store import JobStore
from wlops_common.metrics import ServiceMetrics
from wlops_common.settings import ServiceSettings


def create_app(
    definition: ServiceDefinition,
    settings: ServiceSettings,
    *,
    routers: Sequence[APIRouter] = (),
    stop_times: StopTimes | None = None,
) -> FastAPI:
    """The application of one service. It opens the job store at once and runs jobs between its start and its end.

    Raises ``JobStoreInUse`` when the same service runs already on this data directory.
    """
    endings = Endings()
    store = JobStore(
        settings.job_store_path(definition.name), max_queued_jobs=settings.max_queued_jobs, on_end=endings.announce
    )
    metrics = ServiceMetrics(definition.name, store)
    runner = JobRunner(definition, settings, store, metrics, stop_times)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        runner.start()
        try:
            yield
        finally:
            await run_in_threadpool(runner.stop)
            store.close()

    app = FastAPI(
        title=f"WLOps {definition.name}",
        version="1",
        lifespan=lifespan,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.job_store = store
    app.state.endings = endings
    app.state.runner = runner
    install_error_handlers(app)
    app.include_router(health_router(settings.bucket, store, runner, metrics))
    app.include_router(job_router(definition, JobDesk(store, runner, endings)))
    for router in routers:
        app.include_router(router)
    app.add_middleware(HttpGuard, secret=settings.secret.get_secret_value(), audience=audience_of(definition.name))
    return app
