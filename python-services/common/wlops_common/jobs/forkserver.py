"""The forkserver that job processes are started from: whether it is done with its imports, and that it goes on.

A process that is asked for while the forkserver still imports is born seconds later, and whoever asked is held until then. So the runner
starts jobs only from a warm one; a job that waits for it is `queued`, and cancelled at once when that is asked for.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing import forkserver

import psutil

from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.jobs.forkserver_start import CONTEXT, prepare_forkserver
from wlops_common.jobs.shortages import start_thread

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
#: Who stops a process to look at it has done so by then, or has to stop the service first.
_STOPPED_SECONDS = 10.0
#: A process that ends lets go of its pipes before it is gone; where the processor is short, long before.
_GONE_SECONDS = 2.0


class Forkserver:
    """The one forkserver of this process. It ends with the thread that started it, so the callers below live as long as the service."""

    def __init__(self, definition: ServiceDefinition, on_warm: Callable[[], None]) -> None:
        """``on_warm`` is called from a thread of its own when ``is_warm`` has another answer than before."""
        self._definition = definition
        self._on_warm = on_warm
        self._mutex = threading.Lock()
        self._warm_pid: int | None = None
        self._is_warming = False
        self._has_failed = False
        self._is_over = threading.Event()

    def prepare(self) -> None:
        """Say what it imports, and start it now where nothing is to wait for that later."""
        prepare_forkserver(self._definition.preload)
        threading.Thread(target=self._end_a_stopped_one, name="forkserver-watch", daemon=True).start()
        if self._definition.preload_at_start:
            self.is_warm()

    def stop(self) -> None:
        """Watch it no longer. It ends with the service."""
        self._is_over.set()

    def is_warm(self) -> bool:
        """Whether a process can be started without delay. Starts the forkserver where there is none, or it has died.

        One that cannot be warmed counts as warm for once: starting the job then shows the fault. Raises ``OSError`` where the system
        lets nothing be started now.
        """
        forkserver.ensure_running()
        pid = forkserver_pid()
        with self._mutex:
            if pid == self._warm_pid or self._has_failed:
                self._has_failed = False
                return True
            if not self._is_warming:
                self._start_warming(pid)
            return False

    def _start_warming(self, pid: int | None) -> None:
        start_thread(threading.Thread(target=self._warm, args=(pid,), name="forkserver-warm-up", daemon=True))
        self._is_warming = True

    def _warm(self, pid: int | None) -> None:
        has_failed = True
        with contextlib.suppress(OSError, EOFError):
            process = CONTEXT.Process(target=_nothing, name="warm-up", daemon=True)
            process.start()
            process.join()
            has_failed = process.exitcode != 0
        with self._mutex:
            self._is_warming, self._has_failed = False, has_failed
            self._warm_pid = None if has_failed else pid
        self._on_warm()

    def _end_a_stopped_one(self) -> None:
        """Kill a forkserver that stays stopped: whoever asked it for a process would wait for ever, and no job's end would be seen.

        Its jobs end with it and are run again, from a new one.
        """
        since: tuple[int, float] | None = None
        while not self._is_over.wait(_LOOK_SECONDS):
            pid = forkserver_pid()
            if pid is None or not _is_stopped(pid):
                since = None
            elif since is None or since[0] != pid:
                since = (pid, time.monotonic())
            elif time.monotonic() - since[1] >= _STOPPED_SECONDS:
                log.error("the forkserver was stopped and is replaced", extra={"fields": {"pid": pid}})
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def has_ended(pid: int | None) -> bool:
    """Whether this forkserver of ours is gone, or ends within a moment; for as long nothing else is followed."""
    until = time.monotonic() + _GONE_SECONDS
    while _lives(pid):
        if time.monotonic() >= until:
            return False
        time.sleep(0.01)
    return True


def _lives(pid: int | None) -> bool:
    if pid is None or pid != forkserver_pid():
        return False
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False
    except (psutil.Error, OSError):  # it cannot be looked at now, so nothing is known against it
        return True


def _is_stopped(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def forkserver_pid() -> int | None:
    """Process id of the forkserver, which the standard library keeps to itself."""
    pid: int | None = getattr(forkserver, "_forkserver")._forkserver_pid  # noqa: B009, SLF001 - see above
    return pid


def _nothing() -> None:
    """The first process: it is born when the imports are done."""
