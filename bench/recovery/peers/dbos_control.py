"""DBOS: starts, asks, cancels and resumes workflows as another process does, through its client.

python bench/recovery/peers/dbos_control.py
"""

from __future__ import annotations

import os

from dbos import DBOSClient  # type: ignore[import-not-found]
from life import answer_calls, end_with_parent, until_there

QUEUE = "bench"


def main() -> None:
    """See the module."""
    end_with_parent()
    client = DBOSClient(system_database_url=os.environ["BENCH_DATABASE"])

    def start(name: str, *args: object) -> str:
        return str(client.enqueue({"queue_name": QUEUE, "workflow_name": name}, *args).get_workflow_id())

    def status(run: str) -> str:
        return str(client.retrieve_workflow(run).get_status().status)

    def wake(run: str, folder: str) -> None:
        client.send(run, "wake")
        until_there(folder, f"woken-{run}")

    answer_calls(
        {
            "start": start,
            "status": status,
            "cancel": client.cancel_workflow,
            "pause": client.cancel_workflow,
            "resume": lambda run: client.resume_workflow(run).get_workflow_id(),
            "wake": wake,
        }
    )


if __name__ == "__main__":
    main()
