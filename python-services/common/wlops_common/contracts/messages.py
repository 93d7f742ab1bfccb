"""What all messages share: the base class, keys and digests of objects, and what every job request carries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

TaskType = Literal["classification", "generation"]
ImprovementKind = Literal["select", "fix", "generate", "augment", "format", "replay", "collect", "none"]

_KEY = r"^(?!.*(?:^|/)\.{1,2}(?:/|\Z))(?!.*//)[A-Za-z0-9_][A-Za-z0-9_./=-]{0,900}"

#: A key in the bucket. Never a URL, never a local path, no way upwards.
ObjectKey = Annotated[str, StringConstraints(pattern=_KEY + r"\Z")]
Prefix = Annotated[str, StringConstraints(pattern=_KEY + r"/\Z")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\Z")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,80}\Z")]
JobKey = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,80}/[0-9]{1,6}/(optimization|training|evaluation|final)/[0-9]{1,6}\Z"),
]


class Message(BaseModel):
    """Base of all messages: camelCase on the wire, immutable, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        protected_namespaces=(),
        regex_engine="python-re",  # the default engine has no look-ahead, which the key patterns need
    )

    def to_json(self) -> dict[str, Any]:
        """The message as a JSON-ready dict with camelCase keys."""
        return self.model_dump(mode="json", by_alias=True)


class ObjectRef(Message):
    """An object in the bucket, by key, with the digest the reader must find."""

    key: ObjectKey
    sha256: Sha256


class RowsRef(ObjectRef):
    """Rows of one split role, as Parquet."""

    rows: int = Field(ge=0)


class JobRequest(Message):
    """Fields every job request carries."""

    job_key: JobKey
    task_id: Identifier
    iteration: int = Field(ge=0)
    segment: int = Field(ge=0)
    seed: int = Field(ge=0, le=2**31 - 1)
    output_prefix: Prefix
    #: ``output_prefix`` of earlier segments of the same phase, newest first. What one of them finished is not done again.
    earlier_prefixes: list[Prefix] = Field(default_factory=list)

    def result_unbegun(self) -> dict[str, Any] | None:
        """What a job that is paused before it began hands over to the next segment: what it was given itself."""
        return None
