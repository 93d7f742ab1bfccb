"""A job that the system kills for memory: run once more where its service can save memory, and told so; else it fails at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from harness import SECRET, train_request
from probe_service import DEFINITION, ProbeSettings
from pydantic import SecretStr

from wlops_common.contracts import JobStatus
from wlops_common.jobs import deaths, runner, starting
from wlops_common.jobs.child import ChildTask
from wlops_common.jobs.store import JobStore
from wlops_common.metrics import ServiceMetrics


class KilledProcess:
    """A process that the system has killed."""

    exit_code = -signal.SIGKILL
    is_lost = False
    pid = 1
    started: list[ChildTask]

    def __init__(self, task: ChildTask) -> None:
        self.started.append(task)
        self.work_dir = task.work_dir

    def close(self) -> None:
        """Nothing is left of it."""


Service = Callable[[bool], tuple[JobStatus, list[ChildTask]]]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """``service(can_save_memory)`` kills every attempt of one job and answers with its end and what each attempt was given."""

    def run(can_save_memory: bool) -> tuple[JobStatus, list[ChildTask]]:
        kills = iter(range(100))
        monkeypatch.setattr(KilledProcess, "started", [], raising=False)
        monkeypatch.setattr(starting, "JobProcess", KilledProcess)
        monkeypatch.setattr(runner.Forkserver, "is_warm", lambda _: True)
        for module in (starting, deaths):
            monkeypatch.setattr(module, "out_of_memory_kills", lambda: next(kills))
        store = JobStore(tmp_path / f"{can_save_memory}.sqlite")
        job_id = store.submit(train_request()).job_id
        settings = ProbeSettings(secret=SecretStr(SECRET), data_dir=tmp_path)
        definition = replace(DEFINITION, can_save_memory=can_save_memory)
        jobs = runner.JobRunner(definition, settings, store, ServiceMetrics("trainer", store))
        while store.find(job_id).state == "queued":
            jobs._start_waiting()
            jobs._conclude(jobs._running.pop())
        status = store.find(job_id)
        store.close()
        return status, KilledProcess.started

    return run


def test_it_is_run_once_more_and_told_so_where_the_service_can_save_memory(service: Service) -> None:
    status, started = service(True)
    assert [(task.attempt, task.memory_ran_out) for task in started] == [(1, False), (2, True)]
    assert status.error is not None
    assert status.error.code == "RESOURCE_EXHAUSTED"


def test_it_fails_at_once_elsewhere(service: Service) -> None:
    status, started = service(False)
    assert len(started) == 1
    assert status.error is not None
    assert status.error.code == "RESOURCE_EXHAUSTED"
