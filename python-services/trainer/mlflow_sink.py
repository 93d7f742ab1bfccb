"""One training told to an MLflow tracking server while it runs, when ``MLFLOW_TRACKING_URI`` names one.

A thread of its own sends what the training puts into a queue, in batches. MLflow never delays a training by more than a moment at its
end and never fails it: the first fault is logged, and after three in a row nothing more is told. Not here: which model is the
champion (``champion``).
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx

from trainer.mlflow_client import MOST_METRICS, MlflowClient, MlflowFault, Tracking
from wlops_common.contracts import TrainRequest, TrainResult
from wlops_common.job_context import JobContext

EXPERIMENT = "wlops"
#: Fields of the step file's lines that are metrics.
_METRICS = ("loss", "learningRate", "gradNorm", "trainLoss", "mineLoss")
_SEND_EVERY_SECONDS = 2.0
#: How long the end of a training waits for the server, and that of one which was told to stop, for somebody waits for its slot.
_LAST_WAIT_SECONDS = 10.0
_INTERRUPTED_WAIT_SECONDS = 1.0
_MOST_WAITING = 200_000
_MOST_FAILURES = 3
#: After these another call may succeed.
_FAULTS = (MlflowFault, httpx.HTTPError)
_END = object()


def tracking_of(extras: Mapping[str, str]) -> Tracking:
    """The tracking server as the service's settings tell it (``TrainerSettings.job_extras``)."""
    given = {name: extras.get(f"mlflow.{name}", "") for name in ("uri", "token", "username", "password")}
    return Tracking(**given)


def model_name(task_id: str) -> str:
    """Name under which the models of a task are registered."""
    return f"wlops-{task_id}"


class MlflowRun:
    """A run on a tracking server. Its methods only put into the queue, except ``end``."""

    def __init__(self, context: JobContext, request: TrainRequest, tracking: Tracking) -> None:
        self._context = context
        self._request = request
        self._queue: queue.Queue[Any] = queue.Queue(_MOST_WAITING)
        self._status = "FAILED"
        self._send_at = time.monotonic() + _SEND_EVERY_SECONDS
        self._has_given_up = False
        self._has_told_fault = False
        self._thread = threading.Thread(target=self._work, args=(tracking,), name="mlflow", daemon=True)
        self._thread.start()

    def parameters(self, values: Mapping[str, object]) -> None:
        """See ``run_log.RunLog``; values that were left open are not told."""
        self._put({name: value for name, value in values.items() if value is not None})

    def line(self, line: Mapping[str, Any]) -> None:
        """See ``run_log.RunLog``."""
        now, step = _now_ms(), line["step"]
        self._put(
            [
                {"key": name, "value": line[name], "timestamp": now, "step": step}
                for name in _METRICS
                if line.get(name) is not None
            ]
        )

    def model(self, result: TrainResult) -> None:
        """See ``run_log.RunLog``."""
        self._put(result)

    def end(self, status: str) -> None:
        """Send what is left and end the run; give up on a server that is slow."""
        self._status = status
        self._put(_END)
        self._thread.join(_INTERRUPTED_WAIT_SECONDS if status == "KILLED" else _LAST_WAIT_SECONDS)
        if self._thread.is_alive():
            self._give_up("it did not answer in time at the end")

    def _put(self, item: Any) -> None:
        if self._has_given_up:
            return
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._give_up("it takes the metrics more slowly than the training makes them")

    def _give_up(self, reason: str) -> None:
        if not self._has_given_up:
            self._has_given_up = True
            self._context.log("MLflow is not told any more", reason=reason)

    def _work(self, tracking: Tracking) -> None:
        try:
            with contextlib.closing(MlflowClient(tracking)) as client:
                self._tell(client)
        except Exception as fault:  # noqa: BLE001 - whatever the server did, the training goes on and its log tells
            self._give_up(f"{type(fault).__name__}: {fault}")

    def _tell(self, client: MlflowClient) -> None:
        request = self._request
        tags = {
            "taskId": request.task_id,
            "iteration": str(request.iteration),
            "segment": str(request.segment),
            "attempt": str(self._context.attempt),
            "jobKey": request.job_key,
        }
        run_id = client.create_run(client.experiment(EXPERIMENT), request.job_key, tags, _now_ms())
        self._context.log("MLflow is told", run=run_id)
        metrics: list[dict[str, Any]] = []
        failures, item = 0, None
        while item is not _END:
            item = self._next()
            if isinstance(item, list):
                metrics += item
                if len(metrics) < MOST_METRICS:
                    continue
            self._send_at = time.monotonic() + _SEND_EVERY_SECONDS
            try:
                self._send(client, run_id, metrics, item)
                failures = 0
            except _FAULTS as fault:
                failures += 1
                if failures >= _MOST_FAILURES or item is _END:
                    raise
                self._tell_fault_once(fault)
            metrics = []

    def _send(self, client: MlflowClient, run_id: str, metrics: list[dict[str, Any]], item: Any) -> None:
        for start in range(0, len(metrics), MOST_METRICS):
            client.log_metrics(run_id, metrics[start : start + MOST_METRICS])
        if isinstance(item, dict):
            client.log_parameters(run_id, item)
        elif isinstance(item, TrainResult):
            self._register(client, run_id, item)
        elif item is _END:
            client.end_run(run_id, self._status, _now_ms())

    def _next(self) -> Any:
        """What is next in the queue; None when it is time to send, and nothing has to be sent but metrics."""
        left = self._send_at - time.monotonic()
        try:
            return self._queue.get(timeout=left) if left > 0 else None
        except queue.Empty:
            return None

    def _tell_fault_once(self, fault: Exception) -> None:
        if not self._has_told_fault:
            self._has_told_fault = True
            self._context.log("MLflow refused or did not answer", reason=f"{type(fault).__name__}: {fault}")

    def _register(self, client: MlflowClient, run_id: str, result: TrainResult) -> None:
        request = self._request
        tags = {
            "taskId": request.task_id,
            "iteration": str(request.iteration),
            "manifest": result.model.key,
            "manifestSha256": result.model.sha256,
            "weightsSha256": result.weights_sha256,
        }
        source = self._context.extras.get("bucket", "") + result.model_path
        client.create_version(model_name(request.task_id), source, run_id, tags)


def _now_ms() -> int:
    return int(time.time() * 1000)
