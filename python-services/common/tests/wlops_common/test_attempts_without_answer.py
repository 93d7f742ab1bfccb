"""What becomes of a job when an attempt of it ends without an answer, or cannot begin: with processes that are made up."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import SECRET, train_request, wait_until
from probe_service import DEFINITION, ProbeSettings
from pydantic import SecretStr

from wlops_common.contracts import JobError, JobStatus
from wlops_common.jobs import janitor as janitors
from wlops_common.jobs import runner, starting
from wlops_common.jobs.child import ChildTask
from wlops_common.jobs.desk import JobDesk
from wlops_common.jobs.endings import Endings
from wlops_common.jobs.store import JobStore
from wlops_common.metrics import ServiceMetrics

KILLED, REFUSED, SHORT, LOST = "killed", "refused", "short", "lost"
#: Of a process that has begun: its forkserver ends, or it lacks something itself, or it answers.
GONE, LACKING, ANSWERING = "gone", "lacking", "answering"


class MadeUpProcess:
    """One that was killed, that cannot be started, that something is short for, or whose forkserver ends, as ``ends`` has it."""

    pid = 1
    forkserver = 7
    ends: Iterator[str]
    shortage = errno.EMFILE
    #: What happens while the process is started.
    meanwhile: Callable[[], object]

    def __init__(self, task: ChildTask) -> None:
        self.work_dir = task.work_dir
        self.work_dir.mkdir(parents=True, exist_ok=True)
        self.meanwhile()
        end = next(self.ends)
        self.end = end
        self.exit_code = -signal.SIGKILL if end == KILLED else 255
        self.is_lost = end == GONE
        if end == LOST:
            raise EOFError
        if end in (REFUSED, SHORT):
            number = errno.EACCES if end == REFUSED else self.shortage
            raise OSError(number, os.strerror(number))

    def read_reports(self) -> list[dict[str, Any]]:
        """What it says in the end."""
        error = {"code": "DATASET_EMPTY", "message": "no rows", "retryable": False}
        said: dict[str, list[dict[str, Any]]] = {
            LACKING: [{"short": errno.ENOSPC}],
            ANSWERING: [{"outcome": {"state": "failed", "error": error}}],
        }
        return said.get(self.end, [])

    def close(self) -> None:
        """Nothing is left of it."""


class Service:
    """A runner whose thread is the test's own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(starting, "JobProcess", MadeUpProcess)
        monkeypatch.setattr(starting, "_AGAIN_SECONDS", 0)
        # The processes are made up, and so is the forkserver that ends where one is lost.
        monkeypatch.setattr(starting, "forkserver_pid", lambda: MadeUpProcess.forkserver)
        monkeypatch.setattr(runner.Forkserver, "is_warm", lambda _: True)
        self.monkeypatch = monkeypatch
        self.store = JobStore(folder / "jobs.sqlite")
        self.settings = ProbeSettings(secret=SecretStr(SECRET), data_dir=folder)
        self.runner = runner.JobRunner(DEFINITION, self.settings, self.store, ServiceMetrics("trainer", self.store))

    def run(self, job_id: str, ends: list[str], meanwhile: Callable[[], object] = lambda: None) -> JobStatus:
        """Begin the job's attempts, which end like this, until there are no more of them or it has ended."""
        self.monkeypatch.setattr(MadeUpProcess, "ends", iter(ends), raising=False)
        self.monkeypatch.setattr(MadeUpProcess, "meanwhile", staticmethod(meanwhile), raising=False)
        for _ in ends:
            self.round()
            if self.store.find(job_id).state != "queued":
                break
        return self.store.find(job_id)

    def round(self) -> None:
        """Start what can be started, and end it."""
        self.runner._start_waiting()
        for job in list(self.runner._running):
            self.runner._running.remove(job)
            job.read()
            self.runner._conclude(job)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    made = Service(tmp_path, monkeypatch)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ([KILLED, REFUSED], "queued"),
        ([REFUSED, KILLED, REFUSED], "queued"),
        ([REFUSED, REFUSED], "failed"),
        ([LOST] * 9, "queued"),
        ([LOST] * 10, "failed"),
    ],
)
def test_only_a_job_whose_process_cannot_be_started_time_and_again_fails_for_that(
    service: Service, ends: list[str], state: str
) -> None:
    status = service.run(service.store.submit(train_request()).job_id, ends)
    assert (status.state, status.attempt) == (state, len(ends))
    assert status.error is None or "could not be started" in status.error.message
    # What has not begun has not ended either.
    killed = [number for number, end in enumerate(ends, start=1) if end == KILLED]
    assert [(one.attempt, one.cause, one.exit_code) for one in status.restarts] == [(n, "process", -9) for n in killed]


def test_a_start_that_ends_the_forkserver_is_held_against_the_job_that_was_to_be_started(service: Service) -> None:
    older, *others = (service.store.submit(train_request(segment=segment)).job_id for segment in (0, 1, 2))
    service.monkeypatch.setattr(MadeUpProcess, "meanwhile", staticmethod(lambda: None), raising=False)
    for younger in others:
        # Both are in one round: the older one runs, and the start of the younger one ends it.
        service.monkeypatch.setattr(MadeUpProcess, "ends", iter([GONE, LOST] * 10), raising=False)
        for _ in range(10):
            assert service.store.find(younger).state == "queued"
            service.round()
        assert service.store.find(younger).state == "failed"
    survivor = service.store.find(older)
    assert (survivor.state, [one.cause for one in survivor.restarts]) == ("queued", ["service"] * 20)
    # One that has run is not what ends it.
    assert service.run(older, [LOST] * 20).state == "queued"
    assert service.runner.reason_to_wait == "waiting: the process that starts jobs ended"
    # From another forkserver, which ends in no start, losses count; also from one that was given the number again.
    service.store.cancel(older)
    for segment, forkserver in ((3, 8), (4, 7)):
        service.monkeypatch.setattr(MadeUpProcess, "forkserver", forkserver)
        judged = service.run(service.store.submit(train_request(segment=segment)).job_id, [GONE] * 13)
        assert judged.state == "failed"
        assert [one.cause for one in judged.restarts] == ["service"] * 10 + ["process"] * 2


@pytest.mark.parametrize(("ends", "state"), [([GONE] * 12, "queued"), ([GONE] * 13, "failed")])
def test_a_job_that_always_ends_with_the_forkserver_is_judged_by_itself_at_last(
    service: Service, ends: list[str], state: str
) -> None:
    status = service.run(service.store.submit(train_request()).job_id, ends)
    assert (status.state, status.attempt) == (state, len(ends))
    assert [one.cause for one in status.restarts] == ["service"] * 10 + ["process"] * 2


def test_what_a_process_lacks_before_its_job_begins_is_told_and_not_counted(service: Service) -> None:
    status = service.run(service.store.submit(train_request()).job_id, [LACKING] * 5)
    assert (status.state, status.attempt, status.restarts) == ("queued", 0, [])
    assert service.runner.reason_to_wait == f"waiting: {os.strerror(errno.ENOSPC).lower()}"


def test_an_answer_is_kept_though_nothing_can_be_cleaned_up(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_folder: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(service.runner._janitor, "discard", refuse)
    job_id = service.store.submit(train_request()).job_id
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        service.run(job_id, [ANSWERING])
    assert service.store.find(job_id).state == "failed"


def test_folders_are_emptied_by_and_by_where_threads_are_short(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    janitor, root = service.runner._janitor, service.settings.work_dir("trainer")
    folders = [root / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir(parents=True)
    with monkeypatch.context() as short:
        short.setattr(janitors, "start_thread", _no_thread)
        janitor.discard(folders[0])
    assert [one.name.startswith(".ended-") for one in root.iterdir()].count(True) == 1
    janitor.discard(folders[1])
    wait_until(lambda: list(root.iterdir()) == [], "the end of both", seconds=10)


def _no_thread(_thread: object) -> None:
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def test_the_work_folder_of_a_job_that_could_not_be_started_does_not_stay(service: Service) -> None:
    status = service.run(service.store.submit(train_request()).job_id, [REFUSED, REFUSED])
    assert status.state == "failed"
    folder = service.settings.work_dir("trainer")
    wait_until(lambda: list(folder.iterdir()) == [], "the end of its folder", seconds=10)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT])
def test_jobs_wait_for_the_end_of_a_shortage_as_if_they_had_not_been_tried(
    service: Service, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(MadeUpProcess, "shortage", number)
    first, second = (service.store.submit(train_request(segment=segment)).job_id for segment in (0, 1))
    tried = service.run(first, [SHORT] * 5)
    assert (tried.state, tried.attempt, tried.started_at, tried.restarts) == ("queued", 0, None, [])
    desk = JobDesk(service.store, service.runner, Endings())
    waiting = [asyncio.run(desk.status(first)), asyncio.run(desk.status(second)), *asyncio.run(desk.live()).items]
    stages = [status.progress.stage for status in waiting if status.progress]
    assert stages == [f"waiting: {os.strerror(number).lower()}"] * 4
    service.store.cancel(second)
    # Later too, and a fault of another kind is not counted together with it.
    status = service.run(first, [KILLED, SHORT, REFUSED, SHORT])
    assert (status.state, status.attempt) == ("queued", 2)
    assert service.runner.reason_to_wait is not None
    service.run(first, [KILLED])
    assert service.runner.reason_to_wait is None


def test_after_a_start_that_failed_nothing_is_started_for_a_while(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "_AGAIN_SECONDS", 0.3)
    job_id = service.store.submit(train_request()).job_id
    assert service.run(job_id, [REFUSED, REFUSED]).state == "queued"
    time.sleep(0.3)
    assert service.run(job_id, [REFUSED]).state == "failed"


@pytest.mark.parametrize(("order", "state"), [("cancel", "cancelled"), ("pause", "paused")])
@pytest.mark.parametrize("ends", [[REFUSED], [REFUSED, REFUSED], [SHORT], [LOST], [KILLED], [GONE], [LACKING]])
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
