"""The main function of a service: settings, logs, socket, server, and the way out on SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from wlops_common.jobs.endings import Endings
from wlops_common.jobs.runner import JobRunner
from wlops_common.jobs.store import JobStoreInUse
from wlops_common.json_logging import configure_logging
from wlops_common.settings import Settings, SettingsFault, load_settings

log = logging.getLogger(__name__)

#: Requests that still run at shutdown (a caller waiting for a job) are given this long.
_DRAIN_SECONDS = 2


class StartFault(Exception):
    """The service cannot start; the message is for the operator."""


def serve(name: str, settings_class: type[Settings], create_app: Callable[[Settings], FastAPI]) -> None:
    """Run a service until it is told to stop, then exit with 0; with 2 and a sentence when it cannot start."""
    # The server raises the signal that stopped it once more when it is done; by then there is nothing left to end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)
    try:
        settings = load_settings(settings_class)
        configure_logging(name, settings.log_level)
        listener = _listen(name, settings.host, settings.listen_port)
        app = create_app(settings)
    except (SettingsFault, StartFault, JobStoreInUse) as fault:
        print(fault, file=sys.stderr)  # noqa: T201 - the operator reads this, and the log may not be set up
        sys.exit(2)
    host, port = listener.getsockname()[:2]
    log.info("listening", extra={"fields": {"host": host, "port": port}})
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=_DRAIN_SECONDS, server_header=False
    )
    _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that answers those who wait for a job when it is told to stop, with what is known by then; told twice, it hurries."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See the base class. Called by a signal, so in the middle of anything: what takes a lock is left to the event loop."""
        state = self.config.app.state  # type: ignore[union-attr]
        runner: JobRunner = state.runner
        endings: Endings = state.endings
        if self.should_exit:
            runner.hurry()
        with contextlib.suppress(RuntimeError):  # no loop runs yet, or any more
            asyncio.get_running_loop().call_soon_threadsafe(endings.release_all)
        super().handle_exit(sig, frame)


def _exit(_signal_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _listen(name: str, host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends small answers without delay on such sockets only; else each takes 40 ms more.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as fault:
        listener.close()
        if fault.errno == errno.EADDRINUSE:
            raise StartFault(
                f"Port {port} on {host} is taken: end what listens there, or set WLOPS_{name.upper()}_PORT or WLOPS_PORT_OFFSET."
            ) from fault
        raise StartFault(f"Cannot listen on {host} port {port}: {fault.strerror}.") from fault
    return listener
