"""DBOS: the workflows, and the process that runs them. What was pending when it was killed is recovered at its start, by DBOS itself.

python bench/recovery/peers/dbos_worker.py <database>
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

from dbos import DBOS, DBOSConfig  # type: ignore[import-not-found]
from life import WORK, end_with_parent, note

QUEUE = "bench"
FOREVER_SECONDS = 3600.0


@DBOS.step(preemptible=True)
async def preemptible_step(folder: str) -> None:
    """Ends its process when DBOS ends the step; a step that is ``preemptible`` must be asynchronous."""
    child = await asyncio.create_subprocess_exec(*WORK, folder, cwd=folder)
    try:
        await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


@DBOS.workflow()
async def work(folder: str) -> None:
    """One step that works until it is ended."""
    await preemptible_step(folder)


@DBOS.step()
def plain_step(folder: str) -> None:
    """The same without asking for its end."""
    subprocess.run([*WORK, folder], cwd=folder, check=False)  # noqa: S603


@DBOS.workflow()
def plain_work(folder: str) -> None:
    """The same with a plain step."""
    plain_step(folder)


@DBOS.step()
def nothing(folder: str, iteration: int, tenth: int) -> None:
    """Does nothing, but notes when each tenth of the loop begins."""
    if tenth and iteration % tenth == 0:
        note(folder, "marks", str(iteration))


@DBOS.workflow()
def loop(folder: str, iterations: int) -> None:
    """Three steps per iteration, all in one workflow."""
    for iteration in range(iterations):
        nothing(folder, iteration, iterations // 10)
        nothing(folder, iteration, 0)
        nothing(folder, iteration, 0)
    nothing(folder, iterations, iterations // 10)


@DBOS.workflow()
async def wait(folder: str) -> None:
    """Waits for a message; asynchronous, so that no thread waits with it."""
    note(folder, "waiting")
    await DBOS.recv_async(timeout_seconds=FOREVER_SECONDS)
    note(folder, f"woken-{DBOS.workflow_id}")


def main() -> None:
    """See the module."""
    end_with_parent()
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": os.environ["BENCH_DATABASE"],
        "log_level": "WARNING",
    }
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(QUEUE)
    sys.stdout.write("running\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
