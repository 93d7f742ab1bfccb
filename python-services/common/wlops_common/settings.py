"""Configuration of a service: read from the environment once, at start, then passed as one frozen value.

No other module reads the environment. Every fault is reported, together, by the name of its variable. Not here: what a service is
(``ServiceDefinition``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from wlops_common.object_store import BucketAddress

#: The words the TypeScript processes know, so that one variable serves all.
LogLevel = Literal["trace", "debug", "info", "warn", "error", "fatal"]
#: A worker that waits for a job asks about it every ten seconds or so; a lease must outlast some of these that get lost.
_LEAST_LEASE_SECONDS = 60
#: A job waits for an answer of the object store for a minute at most, and uses no processor time until then.
_LEAST_STANDSTILL_SECONDS = 120


def _off_or_at_least(least: float) -> AfterValidator:
    def check(seconds: float) -> float:
        if 0 < seconds < least:
            raise ValueError(f"must be 0, which is off, or at least {least}")
        return seconds

    return AfterValidator(check)


LeaseSeconds = Annotated[float, _off_or_at_least(_LEAST_LEASE_SECONDS)]
StandstillSeconds = Annotated[float, _off_or_at_least(_LEAST_STANDSTILL_SECONDS)]
BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]


class ServiceSettings(BaseSettings):
    """Settings all services have. Each service's own class adds its port variable and its default number of jobs."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True, protected_namespaces=()
    )

    #: The service's own class gives the variable's name; an offset moves default ports only, so that two stacks can run side by side.
    port: int = Field(ge=0, le=65535)
    port_offset: int = Field(0, ge=0, le=50000, validation_alias="WLOPS_PORT_OFFSET")
    host: str = Field("127.0.0.1", min_length=1, validation_alias="WLOPS_SERVICE_HOST")
    #: Key of the tokens that callers sign (HS256).
    secret: SecretStr = Field(validation_alias="WLOPS_SERVICE_SECRET")
    data_dir: Path = Field(Path(".wlops"), validation_alias="WLOPS_DATA_DIR")
    #: ``sqlite:///<path>`` in place of ``<data dir>/jobs/<service>.sqlite``.
    job_store_url: str | None = Field(None, validation_alias="WLOPS_JOB_STORE_URL")
    s3_endpoint: str | None = Field(None, pattern=r"^https?://[^/\s]+/?$", validation_alias="S3_ENDPOINT")
    s3_region: str = Field("us-east-1", validation_alias="S3_REGION")
    s3_access_key_id: str | None = Field(None, validation_alias="S3_ACCESS_KEY_ID")
    s3_secret_access_key: SecretStr | None = Field(None, validation_alias="S3_SECRET_ACCESS_KEY")
    s3_bucket: BucketName = Field("wlops", validation_alias="S3_BUCKET")
    #: Jobs that run at the same time.
    max_jobs: int = Field(2, ge=1, le=256, validation_alias="WLOPS_MAX_JOBS")
    #: Jobs that may wait; more are answered with 429.
    max_queued_jobs: int = Field(1000, ge=1, validation_alias="WLOPS_MAX_QUEUED_JOBS")
    #: A job that nobody has asked about for so long is stopped; 0 lets it run.
    job_lease_seconds: LeaseSeconds = Field(1800, ge=0, allow_inf_nan=False, validation_alias="WLOPS_JOB_LEASE_SECONDS")
    #: A job that tells nothing and uses no processor time for so long stands still, and is begun again; 0 lets it stand.
    job_standstill_seconds: StandstillSeconds = Field(
        600, ge=0, allow_inf_nan=False, validation_alias="WLOPS_JOB_STANDSTILL_SECONDS"
    )
    log_level: LogLevel = Field("info", validation_alias="WLOPS_LOG_LEVEL")
    #: Folder of the operator's own model folders.
    models_dir: Path | None = Field(None, validation_alias="WLOPS_MODELS_DIR")
    #: Never ask the model hub.
    hub_offline: bool = Field(default=False, validation_alias="WLOPS_HUB_OFFLINE")

    @field_validator("secret")
    @classmethod
    def _secret_is_long(cls, secret: SecretStr) -> SecretStr:
        if len(secret.get_secret_value().encode()) < 32:
            raise ValueError("must be at least 32 bytes long")
        return secret

    @field_validator("data_dir", "models_dir")
    @classmethod
    def _path_is_absolute(cls, path: Path | None) -> Path | None:
        # Jobs run in folders of their own, where a relative path would mean something else.
        return None if path is None else path.expanduser().absolute()

    @field_validator("job_store_url")
    @classmethod
    def _job_store_is_sqlite(cls, url: str | None) -> str | None:
        if url is not None and (not url.startswith("sqlite:///") or len(url) == len("sqlite:///")):
            raise ValueError("must look like sqlite:///<path>; other stores are not supported")
        return url

    @model_validator(mode="after")
    def _credentials_come_in_pairs(self) -> ServiceSettings:
        if (self.s3_access_key_id is None) != (self.s3_secret_access_key is None):
            raise ValueError("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be given together")
        return self

    @property
    def listen_port(self) -> int:
        """The port to listen on; 0 lets the system choose."""
        return self.port if "port" in self.model_fields_set else self.port + self.port_offset

    @property
    def bucket(self) -> BucketAddress:
        """Where the bucket is."""
        return BucketAddress(
            bucket=self.s3_bucket,
            endpoint=self.s3_endpoint,
            region=self.s3_region,
            access_key_id=self.s3_access_key_id,
            secret_access_key=self.s3_secret_access_key.get_secret_value() if self.s3_secret_access_key else None,
        )

    def job_extras(self) -> dict[str, str]:
        """What the service's own settings tell its jobs, as ``JobContext.extras``. Nothing unless the service says otherwise."""
        return {}

    def job_store_path(self, service: str) -> Path:
        """File of the job store of ``service``."""
        if self.job_store_url is not None:
            return Path(self.job_store_url.removeprefix("sqlite:///")).absolute()
        return self.data_dir / "jobs" / f"{service}.sqlite"

    def work_dir(self, service: str) -> Path:
        """Folder that holds one scratch folder per running job."""
        return self.data_dir / "work" / service

    @property
    def job_logs_dir(self) -> Path:
        """Folder of the jobs' own logs."""
        return self.data_dir / "logs" / "jobs"

    def job_log(self, job_id: str) -> Path:
        """The log of the job with this id."""
        return self.job_logs_dir / f"{job_id}.log"


Settings = TypeVar("Settings", bound=ServiceSettings)


class SettingsFault(Exception):
    """The environment does not configure the service; the message lists every fault, one a line."""


def load_settings(kind: type[Settings]) -> Settings:
    """Read the environment. Raises ``SettingsFault`` naming every variable that is missing or wrong, never its value."""
    try:
        return kind()
    except ValidationError as fault:
        lines = [
            f"  {'.'.join(map(str, error['loc'])) or 'settings'}: {error['msg']}"
            for error in fault.errors(include_input=False, include_url=False)
        ]
        raise SettingsFault("\n".join(["The service cannot start; please correct these variables:", *lines])) from None
