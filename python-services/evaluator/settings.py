"""Settings of the evaluator: its port; the rest is common."""

from __future__ import annotations

from pydantic import Field

from wlops_common.settings import ServiceSettings


class EvaluatorSettings(ServiceSettings):
    """Evaluations are short and use few cores, so two run at a time."""

    port: int = Field(8003, ge=0, le=65535, validation_alias="WLOPS_EVALUATOR_PORT")
