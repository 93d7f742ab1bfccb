"""What becomes of a job when an attempt of it ends without an answer, or cannot begin: with processes that are made up."""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import SECRET, train_request
from probe_service import DEFINITION, ProbeSettings
from pydantic import SecretStr

from wlops_common.contracts import JobError, JobStatus
from wlops_common.jobs import runner
from wlops_common.jobs.child import ChildTask
from wlops_common.jobs.store import JobStore
from wlops_common.metrics import ServiceMetrics

KILLED, REFUSED = "killed", "refused"


class MadeUpProcess:
    """One that was killed, or that the system refuses to start, as ``ends`` has it."""

    exit_code = -signal.SIGKILL
    pid = 1
    ends: Iterator[str]
    #: What happens while the process is started.
    meanwhile: Callable[[], object]

    def __init__(self, task: ChildTask) -> None:
        self.meanwhile()
        if next(self.ends) == REFUSED:
            raise OSError(errno.EMFILE, "Too many open files")
        self.work_dir = task.work_dir

    def close(self) -> None:
        """Nothing is left of it."""


class Service:
    """A runner whose thread is the test's own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(runner, "JobProcess", MadeUpProcess)
        monkeypatch.setattr(runner.Forkserver, "is_warm", lambda _: True)
        self.monkeypatch = monkeypatch
        self.store = JobStore(folder / "jobs.sqlite")
        settings = ProbeSettings(secret=SecretStr(SECRET), data_dir=folder)
        self.runner = runner.JobRunner(DEFINITION, settings, self.store, ServiceMetrics("trainer", self.store))

    def run(self, job_id: str, ends: list[str], meanwhile: Callable[[], object] = lambda: None) -> JobStatus:
        """Begin the job's attempts, which end like this, until there are no more of them or it has ended."""
        self.monkeypatch.setattr(MadeUpProcess, "ends", iter(ends), raising=False)
        self.monkeypatch.setattr(MadeUpProcess, "meanwhile", staticmethod(meanwhile), raising=False)
        for _ in ends:
            self.runner._start_waiting()
            for job in list(self.runner._running):
                self.runner._running.remove(job)
                self.runner._conclude(job)
            if self.store.find(job_id).state != "queued":
                break
        return self.store.find(job_id)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    made = Service(tmp_path, monkeypatch)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("ends", "state"),
    [([KILLED, REFUSED], "queued"), ([REFUSED, KILLED, REFUSED], "queued"), ([REFUSED, REFUSED], "failed")],
)
def test_only_a_job_whose_process_cannot_be_started_twice_running_fails_for_that(
    service: Service, ends: list[str], state: str
) -> None:
    status = service.run(service.store.submit(train_request()).job_id, ends)
    assert (status.state, status.attempt) == (state, len(ends))
    assert status.error is None or "could not be started" in status.error.message
    # What has not begun has not ended either.
    killed = [number for number, end in enumerate(ends, start=1) if end == KILLED]
    assert [(one.attempt, one.cause, one.exit_code) for one in status.restarts] == [(n, "process", -9) for n in killed]


@pytest.mark.parametrize(("order", "state"), [("cancel", "cancelled"), ("pause", "paused")])
@pytest.mark.parametrize("ends", [[REFUSED], [REFUSED, REFUSED], [KILLED]])
def test_one_that_is_told_to_stop_while_its_process_is_started_ends_as_it_was_told(
    service: Service, order: str, state: str, ends: list[str]
) -> None:
    job_id = service.store.submit(train_request()).job_id
    service.run(job_id, ends[1:])
    status = service.run(job_id, ends[:1], lambda: getattr(service.store, order)(job_id))
    assert (status.state, status.attempt, status.error) == (state, len(ends), None)


def test_an_order_that_comes_while_a_death_is_judged_is_obeyed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = service.store.submit(train_request()).job_id
    judge = service.runner._fault_of

    def judged(*given: Any) -> JobError | None:
        fault = judge(*given)
        service.store.cancel(job_id)
        return fault

    monkeypatch.setattr(service.runner, "_fault_of", judged)
    status = service.run(job_id, [KILLED, KILLED])
    assert (status.state, status.attempt) == ("cancelled", 1)
