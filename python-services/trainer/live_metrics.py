"""The step file in the bucket before the training has ended: ``<attempt prefix>metrics.jsonl``, written over now and then, and on failure.

No manifest lists it until the training has ended, when the same lines are among the model's files; whoever reads it before reads a
beginning of them, whole lines only. Not here: what is in it (``metrics``).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from trainer.metrics import METRICS_NAME, StepMetrics
from wlops_common.errors import StorageUnavailable
from wlops_common.job_context import JobContext

_EVERY_SECONDS = 10.0
#: Uploading may cost at most this share of the time, since the file grows with the steps.
_MOST_SHARE = 0.01


@dataclass
class LiveMetrics:
    """Uploads the step file when it is due. A bucket that does not answer costs one line of the log and no training."""

    context: JobContext
    metrics: StepMetrics
    _next_at: float = field(default=0.0, repr=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        self._next_at = time.monotonic() + _EVERY_SECONDS

    def upload_if_due(self) -> None:
        """Upload when the time has come."""
        if (started := time.monotonic()) < self._next_at:
            return
        self.upload()
        ended = time.monotonic()
        self._next_at = ended + max(_EVERY_SECONDS, (ended - started) / _MOST_SHARE)

    def upload(self) -> None:
        """Upload now."""
        try:
            self.context.store.upload(f"{self.context.attempt_prefix}{METRICS_NAME}", self.metrics.file())
        except StorageUnavailable as fault:
            self.context.log("step file not uploaded", reason=fault.message)
