"""Imported by a forkserver: makes processes, or threads of a new one, run short while a file in the service's folder says so."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

_FOLDER = Path(os.environ["WLOPS_DATA_DIR"])
NO_FORK, NO_THREAD = _FOLDER / "no-fork", _FOLDER / "no-thread"

_fork, _start = os.fork, threading.Thread.start


def _fork_unless_short() -> int:
    if NO_FORK.exists():
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return _fork()


def _start_unless_short(thread: threading.Thread) -> None:
    if thread.name == "orders" and NO_THREAD.exists():
        raise RuntimeError("can't start new thread")
    _start(thread)


os.fork = _fork_unless_short
threading.Thread.start = _start_unless_short  # type: ignore[method-assign]
