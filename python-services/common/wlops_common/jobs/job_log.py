"""The log a job writes: its own lines and whatever libraries print, in one file that cannot grow without end."""

from __future__ import annotations

import os
from pathlib import Path

#: When a log grows past this, its older half is dropped.
MAX_LOG_BYTES = 4 * 1024 * 1024
_NOTICE = b'{"message": "earlier lines were dropped"}\n'


def bound_log(path: Path, max_bytes: int = MAX_LOG_BYTES) -> None:
    """Drop the older half of a log that has grown past ``max_bytes``.

    The writer appends, so it goes on at the new end; what it writes between the reading and the cutting is lost.
    """
    try:
        with path.open("r+b") as file:
            size = os.fstat(file.fileno()).st_size
            if size <= max_bytes:
                return
            kept = read_tail(path, max_bytes // 2)
            file.truncate(0)
            file.write(_NOTICE + kept)
    except FileNotFoundError:
        return


def read_tail(path: Path, max_bytes: int) -> bytes:
    """The whole lines within the last ``max_bytes`` of a file; empty when it does not exist."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size <= max_bytes:
                return file.read(max_bytes)
            file.seek(size - max_bytes)
            return file.read(max_bytes).partition(b"\n")[2]
    except FileNotFoundError:
        return b""
