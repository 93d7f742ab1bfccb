"""Whether the kernel has killed processes for memory: a counter to compare before and after a job."""

from __future__ import annotations

from pathlib import Path

_COUNTERS = Path("/proc/vmstat")


def out_of_memory_kills() -> int | None:
    """Processes the kernel has killed for memory since boot, control groups included; None where it does not say."""
    try:
        text = _COUNTERS.read_text("ascii")
    except OSError:
        return None
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill ")), None)
