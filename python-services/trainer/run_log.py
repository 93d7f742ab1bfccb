"""Where a training tells what it does beside its own step file: nowhere, or a tracking server. Not here: how (``mlflow_sink``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from wlops_common.contracts import TrainRequest, TrainResult
from wlops_common.job_context import JobContext, JobInterrupted
from wlops_common.manifest import AlreadyCommitted


class RunLog(Protocol):
    """Where a training tells what it does."""

    def parameters(self, values: Mapping[str, object]) -> None:
        """The settings of the run, once."""

    def line(self, line: Mapping[str, Any]) -> None:
        """One line of the step file."""

    def model(self, result: TrainResult) -> None:
        """The finished model."""


class SilentRunLog:
    """Tells nobody."""

    def parameters(self, values: Mapping[str, object]) -> None:
        """See ``RunLog``."""

    def line(self, line: Mapping[str, Any]) -> None:
        """See ``RunLog``."""

    def model(self, result: TrainResult) -> None:
        """See ``RunLog``."""


@contextmanager
def open_run(context: JobContext, request: TrainRequest) -> Iterator[RunLog]:
    """A run on the tracking server the service was told of, ended as the block ends; without a server nothing is told."""
    if not context.extras.get("mlflow.uri"):
        yield SilentRunLog()
        return
    # Imported only here: it takes as long to import as a small training to start.
    from trainer.mlflow_sink import MlflowRun, tracking_of

    run = MlflowRun(context, request, tracking_of(context.extras))
    try:
        yield run
    except (JobInterrupted, AlreadyCommitted):
        run.end("KILLED")
        raise
    except BaseException:
        run.end("FAILED")
        raise
    run.end("FINISHED")
