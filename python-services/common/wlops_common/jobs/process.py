"""The service's end of one job process: start it, give it orders, read its reports, end its whole process group."""

from __future__ import annotations

import contextlib
import os
import shutil
from multiprocessing.connection import Connection
from typing import Any

from wlops_common.jobs.child import ChildTask, child_main
from wlops_common.jobs.forkserver import forkserver_pid, has_ended
from wlops_common.jobs.forkserver_start import CONTEXT
from wlops_common.jobs.living import kill_all, processor_seconds
from wlops_common.jobs.report_lines import ReportReader

#: What the standard library gives for the exit status of a process whose forkserver ended first, and took it with it.
_UNKNOWN_EXIT_CODE = 255


class JobProcess:
    """One attempt of a job. Not safe for use from several threads; the runner's thread owns it."""

    def __init__(self, task: ChildTask) -> None:
        """Start the process. The work folder is made afresh."""
        shutil.rmtree(task.work_dir, ignore_errors=True)
        task.work_dir.mkdir(parents=True)
        task.log_file.parent.mkdir(parents=True, exist_ok=True)
        self.work_dir = task.work_dir
        orders_out, self._orders = CONTEXT.Pipe(duplex=False)
        reports_out, reports_in = CONTEXT.Pipe(duplex=False)
        self._reports = ReportReader(reports_out)
        self._process = CONTEXT.Process(target=child_main, args=(task, orders_out, reports_in), name="job")
        self._process.start()
        #: Process id of the one it was born from.
        self.forkserver = forkserver_pid()
        orders_out.close()
        reports_in.close()

    @property
    def pid(self) -> int:
        """Process id, which is the id of the process group too."""
        pid = self._process.pid
        assert pid is not None, "the constructor has started the process"  # noqa: S101
        return pid

    def handles(self) -> list[Connection | int]:
        """What becomes readable when the process reports, or has ended."""
        return [self._process.sentinel, *([self._reports.pipe] if self._reports.is_open else [])]

    @property
    def exit_code(self) -> int | None:
        """Exit status, negative for a signal; None while the process lives."""
        return self._process.exitcode

    @property
    def is_lost(self) -> bool:
        """Whether it ended because its forkserver did."""
        # A job may have that exit status of its own.
        return self.exit_code == _UNKNOWN_EXIT_CODE and has_ended(self.forkserver)

    def send_order(self, order: str) -> None:
        """Tell the job to cancel or pause. A process that is gone hears nothing."""
        with contextlib.suppress(OSError):
            self._orders.send_bytes(order.encode())

    def read_reports(self) -> list[dict[str, Any]]:
        """The reports that have arrived whole since the last call."""
        return self._reports.read()

    def signal_group(self, signal_number: int) -> None:
        """Signal the process and everything in its group."""
        for send in (os.killpg, os.kill):  # the group does not exist in the process's first moments
            with contextlib.suppress(ProcessLookupError, PermissionError):
                send(self.pid, signal_number)

    def kill_rest(self) -> int:
        """After the end of the process: kill what it left running, and answer how many of these still lived."""
        return kill_all(self.work_dir, self.pid)

    def processor_seconds(self) -> dict[int, float] | None:
        """Processor time of the process and all that it has started, by process id; None where that cannot be measured."""
        return processor_seconds(self.work_dir, self.pid)

    def close(self) -> None:
        """After all that: close the pipes and let go of the process."""
        self._orders.close()
        self._reports.close()
        self._process.join()
        self._process.close()
