"""Which processes of a job live, and the processor time they use.

They are those of its group or session, and those that work in its folder, wherever else they have gone.
Zombies do not count: they hold nothing but their number until their parent, or the first process of the machine, collects them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import psutil

_ZOMBIES = frozenset({"Z", "X", "x"})


def living_processes(folder: Path, group: int | None = None) -> list[int]:
    """Process ids. ``group`` is the id of the job's first process, which leads a session and group of its own."""
    # A walk over all processes in the way of the moment costs a cancel some milliseconds on Linux and many elsewhere.
    return _found_in_proc(folder, group) if sys.platform == "linux" else _found_by_psutil(folder, group)


def kill_all(folder: Path, group: int | None = None) -> int:
    """Kill them, and answer how many lived. To be repeated until none does: a process may just have been started, and one dies in time."""
    found = living_processes(folder, group)
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return len(found)


def processor_seconds(folder: Path, group: int | None = None) -> dict[int, float] | None:
    """Processor time, user and system, that each of them has used so far, by id; None where that cannot be measured."""
    if sys.platform != "linux":
        return None
    used = {}
    try:
        for pid in living_processes(folder, group):
            with contextlib.suppress(ProcessLookupError):
                used[pid] = time.clock_gettime(_processor_clock(pid))
    except OSError:
        return None
    return used


def _processor_clock(pid: int) -> int:
    """The clock that clock_getcpuclockid(3) gives: to the nanosecond, where /proc counts in hundredths of a second."""
    return ~pid << 3 | 2


def _found_in_proc(folder: Path, group: int | None) -> list[int]:
    found = []
    below = f"{folder}/"
    for name in os.listdir("/proc"):  # noqa: PTH208 - a path for each of hundreds of names takes longer than the rest
        if not name.isdigit() or int(name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - as above
                # The program's name, which may hold anything, ends at the last bracket.
                state, _parent, process_group, session = file.read().rpartition(b")")[2].split()[:4]
            if state.decode() in _ZOMBIES:
                continue
            is_member = group is not None and group in (int(process_group), int(session))
            if is_member or f"{os.readlink(f'/proc/{name}/cwd')}/".startswith(below):  # noqa: PTH115 - as above
                found.append(int(name))
    return found


def _found_by_psutil(folder: Path, group: int | None) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if (group is not None and os.getpgid(process.pid) == group) or Path(process.cwd()).is_relative_to(folder):
                found.append(process.pid)
    return found
