"""Prometheus metrics of a service. Each service has a registry of its own, so that tests can run several in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from wlops_common.jobs.store import JobStore

_JOB_SECONDS_BUCKETS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)


class _JobsCollector(Collector):
    """Looks at the jobs whenever the metrics are asked for."""

    def __init__(self, service: str, store: JobStore) -> None:
        self._service = service
        self._store = store
        self.signs_of_life: Callable[[], Iterable[float]] = tuple

    def collect(self) -> Iterable[Metric]:
        """The gauges."""
        jobs = GaugeMetricFamily("wlops_jobs", "Jobs waiting and running.", labels=["service", "state"])
        counts = self._store.counts()
        for state in ("queued", "running"):
            jobs.add_metric([self._service, state], counts.get(state, 0))
        yield jobs
        age = GaugeMetricFamily(
            "wlops_job_heartbeat_age_seconds",
            "Since a running job last told something or used processor time, of the one that did neither longest.",
            labels=["service"],
        )
        now = time.monotonic()
        age.add_metric([self._service], max((now - seen for seen in self.signs_of_life()), default=0))
        yield age


class ServiceMetrics:
    """The metrics of one service."""

    def __init__(self, service: str, store: JobStore) -> None:
        self.registry = CollectorRegistry()
        self._jobs = _JobsCollector(service, store)
        self.registry.register(self._jobs)
        self._job_seconds = Histogram(
            "wlops_job_seconds",
            "Duration of the last attempt of finished jobs.",
            ["service", "phase", "outcome"],
            buckets=_JOB_SECONDS_BUCKETS,
            registry=self.registry,
        )
        self._restarts = Counter(
            "wlops_job_restarts",
            "Jobs run again, after a crash or a restart.",
            ["service", "reason"],
            registry=self.registry,
        )
        self._service = service

    def watch(self, signs_of_life: Callable[[], Iterable[float]]) -> None:
        """Ask ``signs_of_life`` when each running job gave its last one, on the monotonic clock."""
        self._jobs.signs_of_life = signs_of_life

    def job_ended(self, phase: str, outcome: str, seconds: float) -> None:
        """Count a job that ended."""
        self._job_seconds.labels(self._service, phase, outcome).observe(seconds)

    def job_restarted(self, reason: str) -> None:
        """Count a job that runs again: ``crash`` or ``service``."""
        self._restarts.labels(self._service, reason).inc()

    def render(self) -> bytes:
        """All metrics in the text format."""
        return generate_latest(self.registry)
