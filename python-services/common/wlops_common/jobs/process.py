"""The service's end of one job process: start it, give it orders, read its reports, end its whole process group."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil

from wlops_common.jobs.child import ChildTask, child_main
from wlops_common.jobs.definition import ServiceDefinition

_CONTEXT = get_context("forkserver")

#: One thread per job unless the operator says otherwise: results stay repeatable and jobs do not fight over cores.
_THREAD_LIMITS = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def start_forkserver(definition: ServiceDefinition) -> None:
    """Start the forkserver, so that it imports the preload list while nothing waits for it; or leave that to the first job.

    To be called from a thread that lives as long as the service: the kernel ends the forkserver together with the thread it was
    started from.
    """
    from multiprocessing.forkserver import ensure_running

    for name, value in _THREAD_LIMITS.items():
        os.environ.setdefault(name, value)
    # The forkserver ignores this process's sys.path and knows only the environment.
    source_roots = [str(Path(__file__).parents[2]), str(Path(__file__).parents[3])]
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, *(root for root in source_roots if root not in paths)])
    _CONTEXT.set_forkserver_preload(["wlops_common.jobs.preload", "wlops_common.jobs.child", *definition.preload])
    if definition.preload_at_start:
        ensure_running()


class JobProcess:
    """One attempt of a job. Not safe for use from several threads; the runner's thread owns it."""

    def __init__(self, task: ChildTask) -> None:
        """Start the process. The work folder is made afresh."""
        shutil.rmtree(task.work_dir, ignore_errors=True)
        task.work_dir.mkdir(parents=True)
        task.log_file.parent.mkdir(parents=True, exist_ok=True)
        self._work_dir = task.work_dir
        orders_out, self._orders = _CONTEXT.Pipe(duplex=False)
        self.reports, reports_in = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(target=child_main, args=(task, orders_out, reports_in), name="job")
        self._process.start()
        orders_out.close()
        reports_in.close()

    @property
    def pid(self) -> int:
        """Process id, which is the id of the process group too."""
        pid = self._process.pid
        assert pid is not None, "the constructor has started the process"  # noqa: S101
        return pid

    @property
    def sentinel(self) -> int:
        """Becomes readable when the process has ended."""
        return self._process.sentinel

    @property
    def exit_code(self) -> int | None:
        """Exit status, negative for a signal; None while the process lives."""
        return self._process.exitcode

    def send_order(self, order: str) -> None:
        """Tell the job to cancel or pause. A process that is gone hears nothing."""
        with contextlib.suppress(OSError):
            self._orders.send_bytes(order.encode())

    def read_reports(self) -> list[dict[str, Any]]:
        """The reports that have arrived whole since the last call."""
        messages: list[dict[str, Any]] = []
        with contextlib.suppress(EOFError, OSError):
            while self.reports.poll(0):
                messages.append(json.loads(self.reports.recv_bytes()))
        return messages

    def signal_group(self, signal_number: int) -> None:
        """Signal the process and everything in its group."""
        for send in (os.killpg, os.kill):  # the group does not exist in the process's first moments
            with contextlib.suppress(ProcessLookupError, PermissionError):
                send(self.pid, signal_number)

    def clean_up(self) -> None:
        """After the end of the process: end what it left running, remove its work folder, close the pipes."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        end_leftovers(self._work_dir)
        shutil.rmtree(self._work_dir, ignore_errors=True)
        self._orders.close()
        self.reports.close()
        self._process.join()
        self._process.close()


def end_leftovers(folder: Path) -> int:
    """Kill every process that works in ``folder`` or below, as jobs and what they start do; answers how many there were.

    This reaches processes that left their job's group, and those of a service that was killed together with its jobs.
    """
    killed = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()).is_relative_to(folder):
                process.kill()
                killed += 1
    return killed
