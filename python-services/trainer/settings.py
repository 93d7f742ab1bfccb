"""Settings of the trainer: its port, and one job at a time."""

from __future__ import annotations

from pydantic import Field

from wlops_common.settings import ServiceSettings


class TrainerSettings(ServiceSettings):
    """A training fills the machine (or its GPU), so one runs at a time unless the operator says otherwise."""

    port: int = Field(8004, ge=0, le=65535, validation_alias="WLOPS_TRAINER_PORT")
    max_jobs: int = Field(1, ge=1, le=256, validation_alias="WLOPS_MAX_JOBS")
