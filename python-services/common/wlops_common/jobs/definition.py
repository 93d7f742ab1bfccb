"""What one service is, as a value: everything in which the three differ for the common frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from wlops_common.contracts import JobPhase, JobRequest, Message
from wlops_common.job_context import JobContext

JobFunction = Callable[[JobContext, JobRequest], Message]


@dataclass(frozen=True)
class ServiceDefinition:
    """One service. It is sent to the child processes, so it holds names and classes only."""

    #: `optimizer`, `evaluator` or `trainer`: audience of its tokens, file names, label of its metrics.
    name: str
    #: Last part of its routes: ``/api/v1/<route>``.
    route: str
    #: ``module:function`` of the job, imported in the child only.
    entry: str
    request_model: type[JobRequest]
    result_model: type[Message]
    phases: frozenset[JobPhase]
    #: Field of the result that refers to the job's own manifest, as it is called on the wire; None when there is none.
    manifest_field: str | None
    #: Modules the forkserver imports once, so that jobs start fast. None of them may start a thread or open a
    #: connection: polars and pyarrow do start threads, so jobs import those themselves.
    preload: tuple[str, ...] = ()
    #: Whether the forkserver imports them when the service starts, or when the first job comes. The latter is for a service that is
    #: there for others most of the time: PyTorch alone takes seconds and hundreds of megabytes.
    preload_at_start: bool = True
    can_pause: bool = False
    #: Whether a job that the system killed for memory is worth running once more, told so by ``JobContext.memory_ran_out``.
    can_save_memory: bool = False
    #: Whether ``/<route>/sync`` exists.
    can_wait: bool = False


def load_entry(entry: str) -> JobFunction:
    """The job function named by ``module:function``."""
    module, _, function = entry.partition(":")
    return cast("JobFunction", getattr(import_module(module), function))
