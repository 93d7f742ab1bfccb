"""Settings of the data optimizer: its port, and the chat endpoint that may write rows; the rest is common."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator, model_validator

from data_optimizer.teacher.address import is_near
from wlops_common.settings import ServiceSettings


class OptimizerSettings(ServiceSettings):
    """Optimizations are short and use few cores, so two run at a time."""

    port: int = Field(8002, ge=0, le=65535, validation_alias="WLOPS_OPTIMIZER_PORT")
    #: Base address of an OpenAI-compatible endpoint that may write training rows; none by default.
    teacher_url: str | None = Field(
        None, pattern=r"^https?://[^/\s@?#]+(/[^\s?#]*)?$", validation_alias="WLOPS_TEACHER_URL"
    )
    #: Name of the model there.
    teacher_model: str | None = Field(None, min_length=1, max_length=200, validation_alias="WLOPS_TEACHER_MODEL")
    teacher_api_key: SecretStr | None = Field(None, validation_alias="WLOPS_TEACHER_API_KEY")

    @field_validator("teacher_api_key")
    @classmethod
    def _key_fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        text = key.get_secret_value() if key else ""
        if not text.isascii() or any(not character.isprintable() or character.isspace() for character in text):
            raise ValueError("must be printable ASCII characters without spaces")
        return key

    @model_validator(mode="after")
    def _address_and_model_come_in_pairs(self) -> OptimizerSettings:
        if (self.teacher_url is None) != (self.teacher_model is None):
            raise ValueError("WLOPS_TEACHER_URL and WLOPS_TEACHER_MODEL must be given together")
        return self

    @model_validator(mode="after")
    def _key_is_not_sent_for_all_to_read(self) -> OptimizerSettings:
        url = self.teacher_url or ""
        if self.teacher_api_key is not None and url.startswith("http://") and not is_near(url):
            raise ValueError(
                "WLOPS_TEACHER_URL must begin with https:// where WLOPS_TEACHER_API_KEY is set: over http only a host of this machine or "
                "of a private network gets a key"
            )
        return self

    def job_extras(self) -> dict[str, str]:
        """The teacher as ``teacher.*``; nothing without one."""
        if self.teacher_url is None or self.teacher_model is None:
            return {}
        key = self.teacher_api_key.get_secret_value() if self.teacher_api_key else ""
        return {"teacher.url": self.teacher_url, "teacher.model": self.teacher_model, "teacher.key": key}
