"""Where a teacher is: address, model and key, as the service's settings tell its jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TeacherAddress:
    """Base address of the endpoint, such as ``http://127.0.0.1:11434/v1``, name of the model there, and the key, if it wants one."""

    url: str
    model: str
    key: str = field(default="", repr=False)


def address_of(extras: Mapping[str, str]) -> TeacherAddress | None:
    """The endpoint as the service's settings tell it (``OptimizerSettings.job_extras``); None where none is set."""
    url = extras.get("teacher.url", "")
    return TeacherAddress(url, extras.get("teacher.model", ""), extras.get("teacher.key", "")) if url else None
