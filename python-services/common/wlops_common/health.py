"""Health and metrics routes, open to everybody: they say whether, not what."""

from __future__ import annotations

import sqlite3

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from wlops_common.errors import NotReady, StorageUnavailable
from wlops_common.jobs.runner import JobRunner
from wlops_common.jobs.store import JobStore
from wlops_common.metrics import ServiceMetrics
from wlops_common.object_store import BucketAddress, S3ObjectStore

_PROBE_SECONDS = 2.0


def health_router(bucket: BucketAddress, store: JobStore, runner: JobRunner, metrics: ServiceMetrics) -> APIRouter:
    """``/livez``, ``/readyz`` and ``/metrics``."""
    router = APIRouter(tags=["health"])
    probe = S3ObjectStore(
        bucket, connect_timeout_seconds=_PROBE_SECONDS, read_timeout_seconds=_PROBE_SECONDS, attempts=1
    )

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @router.get("/readyz")
    def readyz() -> dict[str, str]:
        """Jobs can be taken and run: the job store and the bucket answer and the runner is alive. Else 503 with the reasons."""
        reasons = []
        try:
            store.counts()
        except sqlite3.Error:
            reasons.append("The job store does not answer.")
        if not runner.alive:
            reasons.append("The job runner has stopped.")
        try:
            probe.probe()
        except StorageUnavailable as fault:
            reasons.append(fault.message)
        if reasons:
            raise NotReady("The service is not ready.", details={"reasons": reasons})
        return {"status": "ok"}

    @router.get("/metrics")
    def prometheus() -> Response:
        """Metrics in the Prometheus text format."""
        return Response(metrics.render(), media_type=CONTENT_TYPE_LATEST)

    return router
