"""Memory that ran out: faults that mean it, and a counter of the kernel's own kills to compare before and after a job."""

from __future__ import annotations

import sys
from pathlib import Path

_COUNTERS = Path("/proc/vmstat")
#: Of faults that PyTorch raises as plain ``RuntimeError``: the CPU's allocator, CUDA outside of its own, and cuBLAS.
_WORDS = ("DefaultCPUAllocator: ", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


def is_out_of_memory(fault: BaseException) -> bool:
    """Whether the fault means that memory ran out, in Python or in PyTorch."""
    if isinstance(fault, MemoryError):
        return True
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    return isinstance(fault, torch.OutOfMemoryError) or (
        isinstance(fault, RuntimeError) and any(words in str(fault) for words in _WORDS)
    )


def out_of_memory_kills() -> int | None:
    """Processes the kernel has killed for memory since boot, control groups included; None where it does not say."""
    try:
        text = _COUNTERS.read_text("ascii")
    except OSError:
        return None
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill ")), None)
