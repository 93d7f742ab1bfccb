"""How a job's function ended, as the one message its process sends before it exits."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel

from wlops_common.contracts import JobError, Message, ObjectRef
from wlops_common.errors import ArtifactChanged, InternalFault, ResourceExhausted, WlopsError
from wlops_common.job_context import JobInterrupted
from wlops_common.jobs.definition import ServiceDefinition
from wlops_common.jobs.memory import is_out_of_memory
from wlops_common.manifest import AlreadyCommitted, Manifest


class Outcome(BaseModel):
    """The end of a job."""

    state: Literal["succeeded", "failed", "cancelled", "paused"]
    result: dict[str, Any] | None = None
    error: JobError | None = None


def outcome_of(
    definition: ServiceDefinition, run: Callable[[], Message], on_fault: Callable[[BaseException], None]
) -> Outcome:
    """Run a job and say how it ended. ``on_fault`` is given every fault before it is reduced to what the user may see."""
    try:
        return Outcome(state="succeeded", result=_json_ready(run()))
    except JobInterrupted as stop:
        return Outcome(state="paused" if stop.reason == "pause" else "cancelled", result=stop.result)
    except AlreadyCommitted as other:
        try:
            return taken_over(definition, other.ref, other.manifest)
        except WlopsError as fault:
            on_fault(fault)
            return Outcome(state="failed", error=fault.to_job_error())
    except BaseException as fault:  # noqa: BLE001 - whatever it was, the job ends with an answer
        on_fault(fault)
        return Outcome(state="failed", error=as_wlops_error(fault).to_job_error())


def _json_ready(result: Message) -> dict[str, Any]:
    """The result for the wire. Raises ``ValueError`` where a number is NaN or infinite, which would arrive as something else."""
    data = result.model_dump(by_alias=True)
    json.dumps(data, allow_nan=False)
    return data


def taken_over(definition: ServiceDefinition, ref: ObjectRef, manifest: Manifest) -> Outcome:
    """The success of the attempt that wrote ``manifest``. Raises ``InternalFault`` when its result was not written with it."""
    result = manifest.facts.get("result")
    if not isinstance(result, dict):
        raise InternalFault(
            "An earlier attempt finished, but did not record its result.", details={"manifest": ref.key}
        )
    if definition.manifest_field is not None:
        result = {**result, definition.manifest_field: ref.to_json()}
    return Outcome(state="succeeded", result=definition.result_model.model_validate(result).to_json())


def has_result(manifest: Manifest) -> bool:
    """Whether the result was written with the manifest, so that it can be taken over."""
    return isinstance(manifest.facts.get("result"), dict)


def refuse_foreign(ref: ObjectRef, manifest: Manifest, job_key: str) -> None:
    """Raise ``ArtifactChanged`` when the manifest was written by a job with another key."""
    if manifest.job_key != job_key:
        raise ArtifactChanged(
            f"{ref.key} is the output of another job.", details={"key": ref.key, "jobKey": manifest.job_key}
        )


def as_wlops_error(fault: BaseException) -> WlopsError:
    """The fault with a code: its own, or that of memory and disk running out, or a fault of ours."""
    if isinstance(fault, WlopsError):
        return fault
    if is_out_of_memory(fault):
        return ResourceExhausted(
            "The job needed more memory than there is. Use a smaller model, batch or sequence length."
        )
    if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return ResourceExhausted("The disk of the service is full.")
    return InternalFault("The job met a fault of the service; its log has the detail.")
