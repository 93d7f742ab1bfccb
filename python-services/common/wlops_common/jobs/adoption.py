"""Work that was done already: a manifest that an earlier attempt of the job, or an earlier segment of its phase, has committed.

A job may be lost after its work was done: its service died before it wrote that down, or the job store went. Not here: how the result is
read from the manifest (``outcome``), and work that was begun, which is each job's own business.
"""

from __future__ import annotations

from collections.abc import Callable

from wlops_common.contracts import JobRequest
from wlops_common.errors import ArtifactChanged
from wlops_common.job_context import ObjectStore
from wlops_common.jobs.ids import parse_job_key
from wlops_common.jobs.outcome import has_result, refuse_foreign
from wlops_common.manifest import AlreadyCommitted, find_manifest


def stop_when_done(store: ObjectStore, request: JobRequest, log: Callable[..., None]) -> None:
    """Raise ``AlreadyCommitted`` with the manifest of this job, else the newest of an earlier segment that has the same to do.

    Raises ``ArtifactChanged`` when another job has written to this one's prefix. What lies at the prefix of an earlier segment and is
    of no use is passed over, for this job can do the work itself.
    """
    own = find_manifest(store, request.output_prefix)
    if own is not None:
        refuse_foreign(*own, request.job_key)
        raise AlreadyCommitted(*own)
    for prefix in request.earlier_prefixes:
        try:
            found = find_manifest(store, prefix)
        except ArtifactChanged as fault:
            log("output of an earlier segment passed over", prefix=prefix, reason=fault.message)
            continue
        if found is None:
            continue
        ref, manifest = found
        if _work_of(manifest.job_key) == _work_of(request.job_key) and has_result(manifest):
            log("output of an earlier segment taken over", manifest=ref.key, jobKey=manifest.job_key)
            raise AlreadyCommitted(ref, manifest)
        log("output of an earlier segment passed over", manifest=ref.key, jobKey=manifest.job_key)


def _work_of(job_key: str) -> tuple[str, int, str]:
    """Task, iteration and phase: what segments have in common."""
    key = parse_job_key(job_key)
    return key.task_id, key.iteration, key.phase
