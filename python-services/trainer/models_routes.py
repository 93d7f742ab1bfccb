"""Which models there are, and whether a name means one: asked before a task is created, so that a wrong name costs nothing."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from fastapi.security import HTTPBearer
from pydantic import Field

from trainer.settings import TrainerSettings
from wlops_common.contracts import Message


class ResolveRequest(Message):
    """A model name as a user gives it."""

    model_name: str = Field(min_length=1, max_length=200)


def models_router(settings: TrainerSettings) -> APIRouter:
    """``GET /api/v1/models`` and ``POST /api/v1/models/resolve``; the catalogue is imported when first asked for."""
    router = APIRouter(prefix="/api/v1/models", tags=["models"], dependencies=[Depends(HTTPBearer(auto_error=False))])

    @router.get("")
    def list_models() -> dict[str, Any]:
        """The catalogue: ``models``, the names it lists, and ``unlisted``, what holds for hub ids and local folders."""
        from wlops_ml.models import catalog

        return catalog.catalogue()

    @router.post("/resolve")
    def resolve(body: ResolveRequest) -> dict[str, Any]:
        """What the name means; 422 ``MODEL_UNKNOWN`` when nothing."""
        from wlops_ml.models import catalog

        return catalog.resolve_model(body.model_name, models_dir=settings.models_dir, offline=settings.hub_offline)

    return router
