"""What the deduplication benchmarks share: one argument, one clock, one line of JSON. Standard library only."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def processor_seconds() -> float:
    """Of this process and the children it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measure(name: str, rows: int, work: Callable[[Path], int]) -> None:
    """Print name, rows, seconds by the clock and of the processor, and how many rows ``work`` kept. It gets an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        started, used = time.perf_counter(), processor_seconds()
        kept = work(Path(folder))
        seconds, cpu = time.perf_counter() - started, processor_seconds() - used
    line = {"name": name, "rows": rows, "seconds": round(seconds, 3), "cpuSeconds": round(cpu, 3), "kept": kept}
    # Past ``sys.stdout``: some of the measured programs put a logger in its place.
    os.write(1, json.dumps(line).encode() + b"\n")


def source() -> Path:
    """The file of rows: the one argument."""
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: {sys.argv[0]} rows.jsonl (dirty_rows.py writes such a file)")
    return Path(sys.argv[1]).resolve()
