"""``POST /api/v1/models/champion``: lets MLflow's alias ``champion`` of a task mean the model of one iteration.

Which model is the champion is decided by the workflow, which calls this after a promotion. Without a tracking server, or when it
refuses, nothing is moved and the answer says why: MLflow mirrors the decision and has no part in it.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.security import HTTPBearer
from pydantic import Field

from trainer.settings import TrainerSettings
from wlops_common.contracts import Identifier, Message

ALIAS = "champion"


class ChampionRequest(Message):
    """The model that was promoted."""

    task_id: Identifier
    iteration: int = Field(ge=0)


class ChampionAnswer(Message):
    """Whether the alias was moved, to which version of which registered model, and else why not."""

    moved: bool
    model: str
    version: str | None = None
    reason: str | None = None


def champion_router(settings: TrainerSettings) -> APIRouter:
    """The route. Safe to repeat: the alias means one version, whatever it meant before."""
    router = APIRouter(prefix="/api/v1/models", tags=["models"], dependencies=[Depends(HTTPBearer(auto_error=False))])

    @router.post("/champion")
    def promote(body: ChampionRequest) -> ChampionAnswer:
        """Move the alias to the newest version that this iteration registered."""
        import httpx

        from trainer.mlflow_client import MlflowClient, MlflowFault
        from trainer.mlflow_sink import model_name, tracking_of

        name = model_name(body.task_id)
        if settings.mlflow_tracking_uri is None:
            return ChampionAnswer(moved=False, model=name, reason="MLFLOW_TRACKING_URI is not set.")
        client = MlflowClient(tracking_of(settings.job_extras()))
        try:
            version = client.find_version(name, {"iteration": str(body.iteration)})
            if version is None:
                reason = f"No version of iteration {body.iteration} is registered."
                return ChampionAnswer(moved=False, model=name, reason=reason)
            client.set_alias(name, ALIAS, version)
        except (MlflowFault, httpx.HTTPError) as fault:
            return ChampionAnswer(moved=False, model=name, reason=f"{type(fault).__name__}: {fault}")
        finally:
            client.close()
        return ChampionAnswer(moved=True, model=name, version=version)

    return router
