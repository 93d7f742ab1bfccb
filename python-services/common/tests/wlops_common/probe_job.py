"""A job whose behaviour the request chooses, for tests of the frame around it."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from wlops_common.contracts import TrainRequest, TrainResult
from wlops_common.errors import DatasetEmpty
from wlops_common.job_context import JobContext, JobInterrupted
from wlops_common.jobs import child


def run(context: JobContext, request: TrainRequest) -> TrainResult:
    """Do what ``request.hyperparameters["behaviour"]`` says."""
    behaviour = str(request.hyperparameters.get("behaviour", "succeed"))
    context.log("behaving", behaviour=behaviour)
    return _BEHAVIOURS[behaviour](context, request)


def _succeed(context: JobContext, request: TrainRequest) -> TrainResult:
    context.progress("working", 1, 2, loss=0.5)
    context.progress("working", 2, 2, loss=0.25)
    return _commit(context, request)


def _commit(context: JobContext, request: TrainRequest) -> TrainResult:
    weights = context.store.put(f"{context.attempt_prefix}model.bin", b"weights")
    facts = {
        "modelPath": context.attempt_prefix,
        "weightsSha256": weights.sha256,
        "parameters": 7,
        "steps": 2,
        "epochs": 1.0,
        "trainLoss": 0.25,
        "mineLoss": None,
        "lossCurve": [[1, 0.5], [2, 0.25]],
        "seconds": 0.1,
    }
    manifest = context.commit({"model.bin": weights}, result=facts)
    if request.hyperparameters.get("die_after_commit") and context.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return TrainResult.model_validate({**facts, "model": manifest})


def _wait_politely(context: JobContext, request: TrainRequest) -> TrainResult:
    try:
        _wait(lambda: context.progress("waiting"))
    except JobInterrupted as stop:
        checkpoint = context.store.put(f"{context.attempt_prefix}checkpoint", b"state")
        raise JobInterrupted(stop.reason, {"checkpoint": checkpoint.to_json()}) from stop
    return _succeed(context, request)


def _save_slowly(context: JobContext, request: TrainRequest) -> TrainResult:
    try:
        _wait(lambda: context.progress("waiting"))
    except JobInterrupted:
        context.log("saving")
        time.sleep(float(request.hyperparameters["seconds"]))
        raise
    return _succeed(context, request)


def _finish_when_told(context: JobContext, request: TrainRequest) -> TrainResult:
    """It was about to be done when it is told to stop."""
    try:
        _wait(lambda: context.progress("waiting"))
    except JobInterrupted:
        context.log("finishing")
    return _commit(context, request)


def _witness(context: JobContext, request: TrainRequest) -> TrainResult:
    """Its first attempt is deaf and has children; a later one tells which processes of the first it finds alive, first of all."""
    key = f"{request.output_prefix}pids"
    if (pids := context.store.get(key)) is not None:
        context.log("witness", alive=[pid for pid in json.loads(pids) if _is_alive(pid)])
        return _succeed(context, request)
    return _wait_deafly(context, request, lambda pids: context.store.put(key, json.dumps(pids).encode()))


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _race(context: JobContext, request: TrainRequest) -> TrainResult:
    """Waits for the bucket's signal, and then commits."""
    context.progress("ready")
    while context.store.get(f"{request.output_prefix}go") is None:
        context.check()
    return _succeed(context, request)


def _wait_deafly(
    context: JobContext, request: TrainRequest, tell: Callable[[list[int]], object] = lambda _: None
) -> TrainResult:
    """Hears no order and no SIGTERM, and has children: one in its group, one in a session of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleeper = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
    ]
    children = [subprocess.Popen(sleeper), subprocess.Popen(sleeper, start_new_session=True)]
    pids = [os.getpid(), *(child.pid for child in children)]
    tell(pids)
    context.progress("pids " + " ".join(map(str, pids)))
    _wait(lambda: None)
    return _succeed(context, request)


def _upload_forever(context: JobContext, request: TrainRequest) -> TrainResult:
    """Opens an upload in parts in its first attempt, and is never done with the first part, nor hears SIGTERM."""
    if context.attempt > 1:
        return _succeed(context, request)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    large = context.work_dir / "large"
    with large.open("wb") as file:
        file.truncate(16 * 1024 * 1024)

    def never(**_: object) -> None:
        context.progress(f"pids {os.getpid()}")
        _wait(lambda: None)

    context.store._client.upload_part = never  # type: ignore[attr-defined]
    context.store.upload(f"{context.attempt_prefix}large", large)
    raise AssertionError


def _wait_once(context: JobContext, request: TrainRequest) -> TrainResult:
    """Waits in its first attempt until it is killed; later attempts succeed."""
    context.progress(f"pids {os.getpid()}")
    if context.attempt == 1:
        _wait(lambda: None)
    return _succeed(context, request)


def _stop_itself(context: JobContext, request: TrainRequest) -> TrainResult:
    context.progress("working", 1)
    os.kill(os.getpid(), signal.SIGSTOP)
    return _succeed(context, request)


def _stop_in_a_report(context: JobContext, request: TrainRequest) -> TrainResult:
    """As if it were stopped while it writes one: the first half of a line is in the pipe."""
    context.progress("working", 1)
    child.write_report = _stop_in_the_middle
    return _succeed(context, request)


def _stop_in_the_middle(pipe: Connection, report: dict[str, Any]) -> None:
    line = json.dumps(report).encode() + b"\n"
    os.write(pipe.fileno(), line[:10])
    os.kill(os.getpid(), signal.SIGSTOP)
    os.write(pipe.fileno(), line[10:])


def _compute(context: JobContext, request: TrainRequest) -> TrainResult:
    """Tells nothing for some seconds, and lets no other thread of its process run for long parts of them."""
    context.progress(f"pids {os.getpid()}")
    until = time.monotonic() + 8
    while time.monotonic() < until:
        sum(range(50_000_000))
    return _succeed(context, request)


def _wait(each: Callable[[], None]) -> None:
    for _ in range(3000):
        each()
        time.sleep(0.02)
    raise AssertionError("nobody ended this job within a minute")


def _fail(_context: JobContext, _request: TrainRequest) -> TrainResult:
    raise DatasetEmpty("The file holds no usable row.", details={"line": 3}, detail="seen by the log only")


def _fault(_context: JobContext, _request: TrainRequest) -> TrainResult:
    raise KeyError("a bug with a secret in its text")


def _no_memory(_context: JobContext, _request: TrainRequest) -> TrainResult:
    raise MemoryError


def _die(_context: JobContext, _request: TrainRequest) -> TrainResult:
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def _exit_as_if_lost(_context: JobContext, _request: TrainRequest) -> TrainResult:
    """With the status that a process has whose end nobody saw."""
    os._exit(255)


def _die_at(context: JobContext, request: TrainRequest) -> TrainResult:
    """Attempt n dies at the n-th place of ``places``, words with spaces between; one more succeeds.

    A place is the stages the attempt tells of, as in ``scoring:10,slices:0``, or ``-`` for nothing told.
    """
    places = str(request.hyperparameters["places"]).split()
    if context.attempt > len(places):
        return _succeed(context, request)
    place = places[context.attempt - 1]
    for stage, _, step in (told.partition(":") for told in place.split(",") if place != "-"):
        context.progress(stage, int(step))
    time.sleep(0.2)  # told to the service before the pipe breaks
    return _die(context, request)


def _not_finite(context: JobContext, request: TrainRequest) -> TrainResult:
    result = _succeed(context, request)
    return result.model_copy(update={"train_loss": float("nan")})


def _collect(context: JobContext, request: TrainRequest) -> TrainResult:
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    return _succeed(context, request)


def _chatter(context: JobContext, request: TrainRequest) -> TrainResult:
    for _ in range(200):  # more than a log may hold
        sys.stdout.write("x" * (32 * 1024) + "\n")
        time.sleep(0.01)
    return _succeed(context, request)


def _leave_work(context: JobContext, request: TrainRequest) -> TrainResult:
    Path("scratch").write_text("scratch")
    assert Path("scratch").resolve().parent == context.work_dir
    return _succeed(context, request)


_BEHAVIOURS: dict[str, Callable[[JobContext, TrainRequest], TrainResult]] = {
    "succeed": _succeed,
    "wait politely": _wait_politely,
    "save slowly": _save_slowly,
    "finish when told": _finish_when_told,
    "wait deafly": _wait_deafly,
    "upload forever": _upload_forever,
    "wait once": _wait_once,
    "stop itself": _stop_itself,
    "stop in a report": _stop_in_a_report,
    "compute": _compute,
    "witness": _witness,
    "race": _race,
    "fail": _fail,
    "fault": _fault,
    "no memory": _no_memory,
    "die": _die,
    "exit as if lost": _exit_as_if_lost,
    "die at": _die_at,
    "not finite": _not_finite,
    "collect": _collect,
    "chatter": _chatter,
    "leave work": _leave_work,
}
