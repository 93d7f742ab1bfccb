"""How a job's process reports to its service: JSON objects, one a line, through a pipe.

The reader never waits: a process that is stopped in the middle of a line, or killed there, holds up nobody but itself. Not here: what the
reports say (``child``, ``running``).
"""

from __future__ import annotations

import json
import os
from multiprocessing.connection import Connection
from typing import Any

_READ_BYTES = 1 << 16


def write_report(pipe: Connection, report: dict[str, Any]) -> None:
    """Send a report, whole, which waits while the pipe is full. From one thread at a time. Raises ``OSError`` when nobody reads."""
    left = memoryview(json.dumps(report).encode() + b"\n")
    while left:
        left = left[os.write(pipe.fileno(), left) :]


class ReportReader:
    """The service's end of the pipe."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        #: Whether more can come.
        self.is_open = True
        self._begun = bytearray()
        os.set_blocking(pipe.fileno(), False)

    def read(self) -> list[dict[str, Any]]:
        """The reports that have arrived whole since the last call."""
        while self.is_open:
            try:
                chunk = os.read(self.pipe.fileno(), _READ_BYTES)
            except BlockingIOError:
                break
            self._begun += chunk
            self.is_open = bool(chunk)
        *whole, self._begun = self._begun.split(b"\n")
        return [json.loads(line) for line in whole]

    def close(self) -> None:
        """Close the pipe."""
        self.is_open = False
        self.pipe.close()
