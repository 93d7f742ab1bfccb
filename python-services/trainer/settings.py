"""Settings of the trainer: its port, one job at a time, and the MLflow server that is told of trainings."""

from __future__ import annotations

from pydantic import Field, SecretStr

from wlops_common.settings import ServiceSettings


class TrainerSettings(ServiceSettings):
    """A training fills the machine (or its GPU), so one runs at a time unless the operator says otherwise."""

    port: int = Field(8004, ge=0, le=65535, validation_alias="WLOPS_TRAINER_PORT")
    max_jobs: int = Field(1, ge=1, le=256, validation_alias="WLOPS_MAX_JOBS")
    #: How long a training that is paused may take to save its checkpoint; after that it is ended, and goes on from an older one.
    pause_save_seconds: float = Field(120, gt=0, allow_inf_nan=False, validation_alias="WLOPS_PAUSE_SAVE_SECONDS")
    #: An MLflow tracking server that every training is told to; none by default. The names are MLflow's own.
    mlflow_tracking_uri: str | None = Field(
        None, pattern=r"^https?://[^/\s]+(/\S*)?$", validation_alias="MLFLOW_TRACKING_URI"
    )
    mlflow_tracking_token: SecretStr | None = Field(None, validation_alias="MLFLOW_TRACKING_TOKEN")
    mlflow_tracking_username: str | None = Field(None, validation_alias="MLFLOW_TRACKING_USERNAME")
    mlflow_tracking_password: SecretStr | None = Field(None, validation_alias="MLFLOW_TRACKING_PASSWORD")

    def job_extras(self) -> dict[str, str]:
        """The tracking server as ``mlflow.*``, and the bucket's address, with which MLflow names models; nothing without a server."""
        if self.mlflow_tracking_uri is None:
            return {}
        secrets = {"token": self.mlflow_tracking_token, "password": self.mlflow_tracking_password}
        return {
            "mlflow.uri": self.mlflow_tracking_uri,
            "mlflow.username": self.mlflow_tracking_username or "",
            **{f"mlflow.{name}": secret.get_secret_value() if secret else "" for name, secret in secrets.items()},
            "bucket": f"s3://{self.s3_bucket}/",
        }
