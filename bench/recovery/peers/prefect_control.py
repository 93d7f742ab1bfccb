"""Prefect: a server of its own on loopback, and a client that starts, asks, cancels, suspends and resumes flow runs.

python bench/recovery/peers/prefect_control.py

Settings come from the environment (``PREFECT_API_URL``, ``PREFECT_HOME`` and others). ``prefect_control.py server <port>`` is the server.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import httpx  # type: ignore[import-not-found]
from life import answer_calls, end_with_parent, until_there

START_SECONDS = 120


def serve(port: int) -> None:
    """The server as ``prefect server start`` runs it, in this process."""
    import uvicorn  # type: ignore[import-not-found]
    from prefect.server.api.server import create_app  # type: ignore[import-not-found]

    uvicorn.run(create_app(final=True), host="127.0.0.1", port=port, log_level="warning")


def start_server() -> None:
    """Starts the server and waits until it answers.

    Raises:
        RuntimeError: it ended, or does not answer within two minutes.
    """
    api = os.environ["PREFECT_API_URL"]
    command = [sys.executable, __file__, "server", str(urlsplit(api).port)]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)  # noqa: S603
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{api}/health", timeout=2).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise RuntimeError("the server of Prefect does not answer")


def calls() -> dict[str, Any]:
    """What can be called, by name. A run is named by its id."""
    from prefect.client.orchestration import get_client  # type: ignore[import-not-found]
    from prefect.client.schemas.responses import SetStateStatus  # type: ignore[import-not-found]
    from prefect.exceptions import ObjectNotFound  # type: ignore[import-not-found]
    from prefect.flow_runs import resume_flow_run, suspend_flow_run  # type: ignore[import-not-found]
    from prefect.states import Cancelling  # type: ignore[import-not-found]

    client = get_client(sync_client=True).__enter__()
    names = {"work": ["folder"], "loop": ["folder", "iterations"], "wait": ["folder"]}

    def deployed(name: str) -> Any:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return client.read_deployment_by_name(f"{name}/bench")
            except ObjectNotFound:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def start(name: str, *args: object) -> str:
        deployment = deployed(name)
        parameters = dict(zip(names[name], args, strict=True))
        return str(client.create_flow_run_from_deployment(deployment.id, parameters=parameters).id)

    def status(run: str) -> str:
        return str(client.read_flow_run(run).state.name)

    def cancel(run: str) -> None:
        result = client.set_flow_run_state(run, Cancelling())
        if result.status is not SetStateStatus.ACCEPT:
            raise RuntimeError(f"not accepted: {result.details}")

    def wake(run: str, folder: str) -> None:
        resume_flow_run(run)
        until_there(folder, f"woken-{run}")

    return {
        "start": start,
        "status": status,
        "cancel": cancel,
        "pause": lambda run: suspend_flow_run(flow_run_id=run, timeout=3600),
        "resume": resume_flow_run,
        "wake": wake,
    }


def main() -> None:
    """See the module."""
    end_with_parent()
    if sys.argv[1:2] == ["server"]:
        serve(int(sys.argv[2]))
        return
    start_server()
    answer_calls(calls())


if __name__ == "__main__":
    main()
