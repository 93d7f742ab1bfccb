"""The work of a step: counts, writes each count to ``progress``, and once a second where it is to ``checkpoint``, which it goes on from.

python bench/recovery/peers/work.py <folder>

Lines of ``progress``: ``start <pid> <parent's pid>``, then one count per line, a hundred a second. Ends when its parent has gone.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

STEP_SECONDS = 0.01
CHECKPOINT_SECONDS = 1.0


def main() -> None:
    """See the module."""
    parent = os.getppid()
    folder = Path(sys.argv[1])
    checkpoint = folder / "checkpoint"
    count = int(checkpoint.read_text()) if checkpoint.exists() else 0
    saved = time.monotonic()
    with (folder / "progress").open("a", buffering=1) as progress:
        progress.write(f"start {os.getpid()} {parent}\n")
        while os.getppid() == parent:
            time.sleep(STEP_SECONDS)
            count += 1
            progress.write(f"{count}\n")
            if time.monotonic() - saved >= CHECKPOINT_SECONDS:
                fresh = folder / "checkpoint.new"
                fresh.write_text(str(count))
                fresh.replace(checkpoint)
                saved = time.monotonic()


if __name__ == "__main__":
    main()
