"""What all Python processes of these measurements share: they end with their parent, and answer calls line by line.

Not covered: what is called; that is ``dbos_control.py`` and ``prefect_control.py``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORK = [sys.executable, str(Path(__file__).with_name("work.py"))]
"""The program that a step runs; its one argument is a folder."""

LOOK_SECONDS = 0.2
WAKE_SECONDS = 120


def end_with_parent() -> None:
    """Ends this process when its parent has gone, looked at five times a second."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def note(folder: str, name: str, text: str = "") -> None:
    """Adds a line to a file of the folder, with the time in milliseconds of the epoch."""
    with (Path(folder) / name).open("a") as file:
        file.write(f"{text} {time.time() * 1000:.1f}\n")


def until_there(folder: str, name: str) -> None:
    """Waits for a file.

    Raises:
        TimeoutError: after two minutes.
    """
    deadline = time.monotonic() + WAKE_SECONDS
    while not (Path(folder) / name).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {name} within {WAKE_SECONDS} s")
        time.sleep(0.001)


def answer_calls(calls: dict[str, Callable[..., Any]]) -> None:
    """Answers ``{"call": name, "args": [...]}`` lines of standard input with ``{"result": …}`` or ``{"error": …}`` lines, until it ends."""
    replies = sys.stdout
    sys.stdout = sys.stderr
    replies.write('{"result": "ready"}\n')
    replies.flush()
    for line in sys.stdin:
        call = json.loads(line)
        try:
            reply = {"result": calls[call["call"]](*call["args"])}
        except Exception as error:  # noqa: BLE001 the caller hears of it
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()
