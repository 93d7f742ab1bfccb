"""Settings of the data optimizer: its port; the rest is common."""

from __future__ import annotations

from pydantic import Field

from wlops_common.settings import ServiceSettings


class OptimizerSettings(ServiceSettings):
    """Optimizations are short and use few cores, so two run at a time."""

    port: int = Field(8002, ge=0, le=65535, validation_alias="WLOPS_OPTIMIZER_PORT")
