"""Prefect: the flows, and the process that serves them. It starts a process for each flow run.

python bench/recovery/peers/prefect_worker.py
"""

from __future__ import annotations

import subprocess
import sys

from life import WORK, end_with_parent, note
from prefect import flow, serve, suspend_flow_run, task  # type: ignore[import-not-found]
from prefect.runtime import flow_run  # type: ignore[import-not-found]

end_with_parent()


@task(persist_result=True)
def step(folder: str) -> None:
    """Works until its process is ended."""
    subprocess.run([*WORK, folder], cwd=folder, check=False)  # noqa: S603


@flow(persist_result=True, log_prints=False)
def work(folder: str) -> None:
    """One step."""
    step(folder)


@task
def nothing(folder: str, iteration: int, tenth: int) -> None:
    """Does nothing, but notes when each tenth of the loop begins."""
    if tenth and iteration % tenth == 0:
        note(folder, "marks", str(iteration))


@flow
def loop(folder: str, iterations: int) -> None:
    """Three steps per iteration, all in one flow run."""
    for iteration in range(iterations):
        nothing(folder, iteration, iterations // 10)
        nothing(folder, iteration, 0)
        nothing(folder, iteration, 0)
    nothing(folder, iterations, iterations // 10)


@flow(persist_result=True)
def wait(folder: str) -> None:
    """Suspends itself, which ends its process; runs again from the start once resumed."""
    note(folder, "waiting")
    suspend_flow_run(timeout=3600)
    note(folder, f"woken-{flow_run.id}")


if __name__ == "__main__":
    sys.stdout.write("running\n")
    sys.stdout.flush()
    serve(*(one.to_deployment("bench") for one in (work, loop, wait)), print_starting_message=False)
