"""The context of a running job. The child process and the tests build the same class and differ in where reports go."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wlops_common.contracts import JobProgress, JobRequest, ObjectRef
from wlops_common.job_context import JobInterrupted, ObjectStore
from wlops_common.manifest import write_manifest

#: Progress reports closer together than this are dropped, except a change of stage.
PROGRESS_INTERVAL_SECONDS = 0.5


@dataclass(frozen=True)
class JobSurroundings:
    """Where a job's reports go and where its orders come from."""

    report_progress: Callable[[JobProgress], None]
    write_log_line: Callable[[str], None]
    #: What the job was told: "cancel", "pause" or None.
    order: Callable[[], str | None]
    #: While the block runs, an order may end the process at once, when it is paused with this result.
    expendable: Callable[[dict[str, Any] | None], AbstractContextManager[None]] = lambda _result: nullcontext()


class RunningJobContext:
    """``JobContext`` of one attempt; see there for what each member means."""

    def __init__(
        self,
        request: JobRequest,
        store: ObjectStore,
        work_dir: Path,
        surroundings: JobSurroundings,
        *,
        attempt: int = 1,
        models_dir: Path | None = None,
        hub_offline: bool = False,
        extras: Mapping[str, str] | None = None,
        memory_ran_out: bool = False,
    ) -> None:
        self.store = store
        self.work_dir = work_dir
        self.attempt = attempt
        self.attempt_prefix = f"{request.output_prefix}attempt-{attempt}/"
        self.models_dir = models_dir
        self.hub_offline = hub_offline
        self.extras = extras or {}
        self.memory_ran_out = memory_ran_out
        self._request = request
        self._surroundings = surroundings
        self._reported_at = -PROGRESS_INTERVAL_SECONDS
        self._reported_stage = ""

    def progress(
        self,
        stage: str,
        step: int = 0,
        total_steps: int | None = None,
        *,
        loss: float | None = None,
        score: float | None = None,
        rate: float | None = None,
        eta_seconds: float | None = None,
    ) -> None:
        """See ``JobContext.progress``."""
        self.check()
        now = time.monotonic()
        is_last = total_steps is not None and step >= total_steps
        if stage == self._reported_stage and not is_last and now - self._reported_at < PROGRESS_INTERVAL_SECONDS:
            return
        self._reported_at, self._reported_stage = now, stage
        self._surroundings.report_progress(
            JobProgress(
                stage=stage,
                step=step,
                total_steps=total_steps,
                loss=loss,
                score=score,
                rate=rate,
                eta_seconds=eta_seconds,
            )
        )

    def check(self) -> None:
        """See ``JobContext.check``."""
        order = self._surroundings.order()
        if order is not None:
            raise JobInterrupted(order)

    @contextmanager
    def expendable(self, result: dict[str, Any] | None = None) -> Iterator[None]:
        """See ``JobContext.expendable``."""
        try:
            with self._surroundings.expendable(result):
                yield
        except JobInterrupted as stop:
            if stop.reason == "pause":
                stop.result = result
            raise

    def log(self, message: str, **fields: object) -> None:
        """See ``JobContext.log``."""
        task_id, iteration, phase, segment = self._request.job_key.split("/")
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "message": message,
            "taskId": task_id,
            "iteration": int(iteration),
            "phase": phase,
            "segment": int(segment),
            "attempt": self.attempt,
            **fields,
        }
        self._surroundings.write_log_line(json.dumps(line, ensure_ascii=False, default=str))

    def commit(self, files: dict[str, ObjectRef], **facts: object) -> ObjectRef:
        """See ``JobContext.commit``."""
        return write_manifest(
            self.store,
            job_key=self._request.job_key,
            output_prefix=self._request.output_prefix,
            files=files,
            facts=facts,
        )
