"""What the system may be short of when a process is to be started: descriptors, processes, memory, disk. Such a shortage passes.

Not here: what becomes of the jobs meanwhile (``starting``).
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading

_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT})
#: Pipes whose two ends are more descriptors than the start of a process takes for a moment.
_SPARE_PIPES = 8
#: More threads than a job has when it begins; the system counts them as it does processes.
_SPARE_THREADS = 4


def shortage_of(fault: BaseException) -> str | None:
    """What is short when this fault means a shortage, as a reason to wait; None for another fault."""
    if not isinstance(fault, OSError) or fault.errno not in _SHORTAGES:
        return None
    return f"waiting: {os.strerror(fault.errno).lower()}"


def start_thread(thread: threading.Thread) -> None:
    """Start it. Raises ``OSError`` where the system is short of threads, which Python says by a ``RuntimeError``."""
    try:
        thread.start()
    except RuntimeError as fault:  # the only fault of the start of a new thread, and it means this
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from fault


def assure_enough_to_start() -> None:
    """Raise ``OSError`` where a process cannot be started for want of descriptors or processes.

    Without the former the standard library leaves some open in the middle of a start, which makes it worse with each try; without the
    latter the forkserver ends, and all jobs that run with it.
    """
    with contextlib.ExitStack() as spare:
        for _ in range(_SPARE_PIPES):
            for end in os.pipe():
                spare.callback(os.close, end)
        is_enough = threading.Event()
        threads = [threading.Thread(target=is_enough.wait, name="spare", daemon=True) for _ in range(_SPARE_THREADS)]
        try:
            for thread in threads:
                start_thread(thread)
                spare.callback(thread.join)
        finally:
            is_enough.set()
