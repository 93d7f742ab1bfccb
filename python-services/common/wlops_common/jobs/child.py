"""The job's own process: builds the context, runs the job, sends one outcome and exits.

It leads a session and process group of its own, reports over one pipe and takes orders over another. The end of the order pipe means
that the service is gone; then the whole group ends at once. Not here: restarts and deadlines (``runner``).
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from wlops_common.contracts import JobProgress, Message
from wlops_common.errors import WlopsError
from wlops_common.job_context import JobInterrupted
from wlops_common.jobs.adoption import stop_when_done
from wlops_common.jobs.context import JobSurroundings, RunningJobContext
from wlops_common.jobs.definition import ServiceDefinition, load_entry
from wlops_common.jobs.open_uploads import UploadNotes
from wlops_common.jobs.outcome import Outcome, outcome_of
from wlops_common.jobs.parent_death import die_with_parent
from wlops_common.jobs.report_lines import write_report
from wlops_common.jobs.shortages import shortage_of, start_thread
from wlops_common.jobs.store_waits import StoreWaits
from wlops_common.object_store import BucketAddress, S3ObjectStore


@dataclass(frozen=True)
class ChildTask:
    """Everything a job's process is given."""

    definition: ServiceDefinition
    body: dict[str, Any]
    attempt: int
    bucket: BucketAddress
    work_dir: Path
    log_file: Path
    models_dir: Path | None
    hub_offline: bool
    extras: dict[str, str]
    memory_ran_out: bool


class ChildLine:
    """The child's end of the two pipes. Reports may be sent from any thread of the job."""

    def __init__(self, orders: Connection, reports: Connection) -> None:
        self.order: str | None = None
        self._orders = orders
        self._reports = reports
        self._mutex = threading.Lock()
        self._ending = threading.Lock()
        #: How a job that is paused now ends, where that may be at once.
        self._expendable: Outcome | None = None

    def follow_orders(self) -> None:
        """Take orders until the service is gone, and then end this process group."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                order = self._orders.recv_bytes().decode()
                # A cancel is final; a pause that comes later changes nothing.
                self.order = self.order if self.order == "cancel" else order
                self._ending.acquire()
                if self._expendable is not None:
                    # The lock is kept: the job cannot leave the block any more.
                    self.report_outcome(Outcome(state="cancelled") if order == "cancel" else self._expendable)
                    break
                self._ending.release()
        os.killpg(os.getpgid(0), signal.SIGKILL)

    @contextlib.contextmanager
    def expendable(self, result: dict[str, Any] | None) -> Iterator[None]:
        """See ``JobContext.expendable``. An order that came before the block holds as well."""
        with self._ending:
            self._expendable = Outcome(state="paused", result=result)
        try:
            if self.order is not None:
                raise JobInterrupted(self.order)
            yield
        finally:
            with self._ending:
                self._expendable = None

    def report_progress(self, progress: JobProgress) -> None:
        """Send progress."""
        self._send({"progress": progress.to_json()})

    def report_wait(self, progress: JobProgress) -> None:
        """Send what is to be shown while the job waits, though it has come no further."""
        self._send({"wait": progress.to_json()})

    def report_shortage(self, fault: OSError) -> None:
        """Send what the process lacks, so that the job cannot begin."""
        self._send({"short": fault.errno})

    def report_outcome(self, outcome: Outcome) -> None:
        """Send the outcome."""
        self._send({"outcome": outcome.model_dump(mode="json", by_alias=True)})

    def _send(self, message: dict[str, Any]) -> None:
        with self._mutex:
            write_report(self._reports, message)


def child_main(task: ChildTask, orders: Connection, reports: Connection) -> None:
    """Entry of the job's process. Never returns."""
    gc.freeze()  # what was imported stays; looking through it again would only copy its pages
    gc.enable()
    line = ChildLine(orders, reports)
    try:
        _settle(task, line)
    except OSError as fault:
        if shortage_of(fault) is None:
            raise
        line.report_shortage(fault)
        os._exit(os.EX_TEMPFAIL)
    line.report_outcome(_perform(task, line))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that a library left behind must not keep the process


def _settle(task: ChildTask, line: ChildLine) -> None:
    """Lead a group of its own, in the job's folder, and listen to the service."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent(signal.SIGKILL)
    os.nice(5)  # the service must go on answering while the job computes
    log_fd = os.open(task.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log_fd, 1)
    os.dup2(log_fd, 2)
    os.chdir(task.work_dir)
    start_thread(threading.Thread(target=line.follow_orders, name="orders", daemon=True))


def _perform(task: ChildTask, line: ChildLine) -> Outcome:
    definition = task.definition

    def write_log_line(text: str) -> None:
        print(text, flush=True)  # noqa: T201 - standard output is the job's log

    def run() -> Message:
        request = definition.request_model.model_validate(task.body)
        waits = StoreWaits(line.report_progress, line.report_wait)
        store = S3ObjectStore(task.bucket, journal=UploadNotes(task.work_dir), waiting=waits.waiting)
        context = RunningJobContext(
            request,
            store,
            task.work_dir,
            JobSurroundings(waits.report, write_log_line, lambda: line.order, line.expendable),
            attempt=task.attempt,
            models_dir=task.models_dir,
            hub_offline=task.hub_offline,
            extras=task.extras,
            memory_ran_out=task.memory_ran_out,
        )
        context.log("started")
        # A later attempt may have something to hand over at a pause, of which only the job itself knows.
        with context.expendable(request.result_unbegun()) if task.attempt == 1 else contextlib.nullcontext():
            stop_when_done(store, request, context.log)
            job = load_entry(definition.entry)
        return job(context, request)

    return outcome_of(definition, run, _print_fault)


def _print_fault(fault: BaseException) -> None:
    traceback.print_exception(fault)
    if isinstance(fault, WlopsError) and fault.detail:
        print(fault.detail, file=sys.stderr)  # noqa: T201 - standard error is the job's log
