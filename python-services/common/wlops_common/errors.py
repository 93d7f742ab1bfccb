"""The one family of exceptions of the services, with the codes that other programs rely on.

``code`` is stable, ``message`` is for the user, ``detail`` is for the log only, ``details`` is structured help for mending the
input (file line, sample, field) and is shown to the user, ``retryable`` says whether the same request can succeed later.
``src/contracts/examples/error-codes.json`` lists the codes a job can fail with; a test keeps it equal to this module.
Not here: what ends a job without being a fault (``JobInterrupted``, ``AlreadyCommitted`` in ``job_context``).
"""

from __future__ import annotations

from typing import Any, ClassVar

from wlops_common.contracts import JobError


class WlopsError(Exception):
    """Base of every fault that has a code.

    The tree::

        WlopsError
        ├── JobFault                    a job ends as `failed` with this code
        │   ├── DatasetError            the user's data
        │   │   ├── DatasetUnreadable, DatasetEmpty, DatasetColumnsUnknown, DatasetTooSmall
        │   ├── ArtifactError           an object in the bucket
        │   │   ├── ArtifactChanged, ArtifactMissing
        │   ├── ModelError              the model that was asked for
        │   │   ├── ModelUnknown, ModelUnavailable, ModelTaskMismatch
        │   ├── HyperparameterInvalid, MetricUnknown, TrainingDiverged
        │   ├── ResourceExhausted, JobCrashed, JobAbandoned (retryable)
        │   ├── StorageUnavailable      (retryable)
        │   └── InternalFault
        └── RequestError                a request is answered with this code
            ├── Unauthenticated, RouteNotFound, MethodNotAllowed, JobNotFound, JobKeyConflict
            └── RequestTooLarge, ValidationFailed, QueueFull, NotReady
    """

    code: ClassVar[str]
    http_status: ClassVar[int]
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, details: dict[str, Any] | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.detail = detail

    def to_job_error(self) -> JobError:
        """The fault as the status of a failed job shows it; ``detail`` stays inside."""
        return JobError(code=self.code, message=self.message, details=self.details, retryable=self.retryable)


class JobFault(WlopsError):
    """A fault that ends a job. As the answer to a request (resolving a model, say) it is a 422 unless said otherwise."""

    http_status = 422


class DatasetError(JobFault):
    """The user's data cannot be used as it is."""


class DatasetUnreadable(DatasetError):
    """No rows can be read from the file: wrong format, encoding or structure."""

    code = "DATASET_UNREADABLE"


class DatasetEmpty(DatasetError):
    """The file holds no usable row after parsing."""

    code = "DATASET_EMPTY"


class DatasetColumnsUnknown(DatasetError):
    """Columns for the task could not be found, or a named column is not there."""

    code = "DATASET_COLUMNS_UNKNOWN"


class DatasetTooSmall(DatasetError):
    """Too few rows or classes remain to split, train and score."""

    code = "DATASET_TOO_SMALL"


class ArtifactError(JobFault):
    """An object in the bucket is not what its reference says."""


class ArtifactChanged(ArtifactError):
    """An object's sha256 is not the one recorded for it."""

    code = "ARTIFACT_CHANGED"


class ArtifactMissing(ArtifactError):
    """An object that was recorded is not in the bucket."""

    code = "ARTIFACT_MISSING"


class ModelError(JobFault):
    """The model that was asked for cannot be used."""


class ModelUnknown(ModelError):
    """The model name cannot be resolved."""

    code = "MODEL_UNKNOWN"


class ModelUnavailable(ModelError):
    """The model's files cannot be fetched or loaded."""

    code = "MODEL_UNAVAILABLE"


class ModelTaskMismatch(ModelError):
    """The model cannot do this task type."""

    code = "MODEL_TASK_MISMATCH"


class HyperparameterInvalid(JobFault):
    """A hyperparameter is unknown or out of range."""

    code = "HYPERPARAMETER_INVALID"


class MetricUnknown(JobFault):
    """The metric does not exist for this task type."""

    code = "METRIC_UNKNOWN"


class TrainingDiverged(JobFault):
    """The loss, on training rows or on mine, or the gradient became NaN or infinite."""

    code = "TRAINING_DIVERGED"


class ResourceExhausted(JobFault):
    """The job was ended for using too much memory or disk."""

    code = "RESOURCE_EXHAUSTED"


class JobCrashed(JobFault):
    """The job's process died without an answer, and again without getting further."""

    code = "JOB_CRASHED"
    http_status = 500


class JobAbandoned(JobFault):
    """Nobody asked about the job for so long that it was stopped."""

    code = "JOB_ABANDONED"
    http_status = 500
    retryable = True


class StorageUnavailable(JobFault):
    """The object store did not answer, or refused."""

    code = "STORAGE_UNAVAILABLE"
    http_status = 503
    retryable = True


class InternalFault(JobFault):
    """A fault of ours; the log has the detail."""

    code = "INTERNAL"
    http_status = 500


class RequestError(WlopsError):
    """A request that is answered with an error status; no job is touched."""


class Unauthenticated(RequestError):
    """The bearer token is missing, malformed, expired, too long-lived or meant for another service."""

    code = "UNAUTHENTICATED"
    http_status = 401


class RouteNotFound(RequestError):
    """There is no such route."""

    code = "NOT_FOUND"
    http_status = 404


class MethodNotAllowed(RequestError):
    """The route exists, but not with this method."""

    code = "METHOD_NOT_ALLOWED"
    http_status = 405


class JobNotFound(RequestError):
    """The store knows no such job: it is lost, which is not the same as failed."""

    code = "JOB_NOT_FOUND"
    http_status = 404


class JobKeyConflict(RequestError):
    """The job key was used before with another body."""

    code = "JOB_KEY_CONFLICT"
    http_status = 409


class RequestTooLarge(RequestError):
    """The body is larger than any request of the protocol."""

    code = "REQUEST_TOO_LARGE"
    http_status = 413


class ValidationFailed(RequestError):
    """The body or a parameter is malformed; ``details.fields`` names each fault."""

    code = "VALIDATION_FAILED"
    http_status = 422


class QueueFull(RequestError):
    """As many jobs wait as this service accepts."""

    code = "QUEUE_FULL"
    http_status = 429
    retryable = True


class NotReady(RequestError):
    """The service cannot take work now; ``details.reasons`` says why."""

    code = "NOT_READY"
    http_status = 503
    retryable = True


def job_fault_codes() -> dict[str, bool]:
    """Every code a job can fail with -> whether a retry can help."""
    codes: dict[str, bool] = {}
    pending: list[type[JobFault]] = [JobFault]
    while pending:
        kind = pending.pop()
        pending.extend(kind.__subclasses__())
        if "code" in vars(kind):
            codes[kind.code] = kind.retryable
    return codes
