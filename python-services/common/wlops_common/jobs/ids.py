"""Identity of jobs: ids are a function of the caller's key, bodies are compared as parsed JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

from wlops_common.contracts import JobPhase


def job_id_of(job_key: str) -> str:
    """``job_`` and the first 32 hex digits of sha256 of the key; the TypeScript side computes the same."""
    return f"job_{sha256(job_key.encode()).hexdigest()[:32]}"


def body_hash(body: dict[str, Any]) -> str:
    """Hex sha256 of the canonical form of a parsed body: sorted keys, no spacing. Equal for bodies that mean the same."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True)
class JobIdentity:
    """The parts of a job key."""

    job_key: str
    task_id: str
    iteration: int
    phase: JobPhase
    segment: int

    @property
    def job_id(self) -> str:
        """Id of the job with this key."""
        return job_id_of(self.job_key)


def parse_job_key(job_key: str) -> JobIdentity:
    """Split a key that has passed validation as ``JobKey``."""
    task_id, iteration, phase, segment = job_key.split("/")
    return JobIdentity(job_key, task_id, int(iteration), cast("JobPhase", phase), int(segment))
