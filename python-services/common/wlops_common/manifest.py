"""Manifests: the list of files, with digests, that makes a job's output readable. Written once, last.

Readers trust nothing that no manifest lists. Not here: who may write where, which is the bucket's policy.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from wlops_common.contracts import JobKey, Message, ObjectKey, ObjectRef
from wlops_common.errors import ArtifactChanged, ArtifactMissing

if TYPE_CHECKING:
    from wlops_common.job_context import ObjectStore


class ManifestFile(ObjectRef):
    """One file of a job's output. ``name`` is its path relative to the folder a reader downloads into."""

    name: ObjectKey
    bytes: int = Field(ge=0)

    def ref(self) -> ObjectRef:
        """The plain reference to the file."""
        return ObjectRef(key=self.key, sha256=self.sha256)


class Manifest(Message):
    """Everything one job wrote. Fields beyond the three named ones are the facts its writer added, see ``facts``."""

    model_config = ConfigDict(extra="allow")

    job_key: JobKey
    created_at: str
    files: list[ManifestFile]

    @field_validator("files")
    @classmethod
    def _names_are_unique(cls, files: list[ManifestFile]) -> list[ManifestFile]:
        if len({file.name for file in files}) != len(files):
            raise ValueError("two files have the same name")
        return files

    @property
    def facts(self) -> dict[str, Any]:
        """What the writer said beside the files; top-level names are camelCase, values as they were given."""
        return dict(self.model_extra or {})

    def file(self, name: str) -> ObjectRef:
        """The reference to the file called ``name``. Raises ``ArtifactMissing`` when the manifest lists no such file."""
        for entry in self.files:
            if entry.name == name:
                return entry.ref()
        raise ArtifactMissing(f"The output of {self.job_key} holds no file called {name}.", details={"name": name})


class AlreadyCommitted(Exception):
    """Another attempt of this job has written the manifest. Let it pass: the runner takes over that attempt's result."""

    def __init__(self, ref: ObjectRef, manifest: Manifest) -> None:
        super().__init__(f"{ref.key} was written by another attempt")
        self.ref = ref
        self.manifest = manifest


def parse_manifest(data: bytes, key: str) -> Manifest:
    """The manifest in ``data``; ``key`` names it in the ``ArtifactChanged`` raised when it is no manifest."""
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as fault:
        raise ArtifactChanged(f"{key} is not a manifest.", details={"key": key}, detail=str(fault)) from fault


def find_manifest(store: ObjectStore, output_prefix: str) -> tuple[ObjectRef, Manifest] | None:
    """The manifest already standing under ``output_prefix``, with its reference; None when nothing has been committed there."""
    key = f"{output_prefix}manifest.json"
    data = store.get(key)
    return None if data is None else (ObjectRef(key=key, sha256=sha256(data).hexdigest()), parse_manifest(data, key))


def read_manifest(store: ObjectStore, ref: ObjectRef) -> Manifest:
    """The manifest ``ref`` points to, digest checked. Raises ``ArtifactMissing`` or ``ArtifactChanged``."""
    return parse_manifest(store.read(ref), ref.key)


def write_manifest(
    store: ObjectStore, *, job_key: str, output_prefix: str, files: dict[str, ObjectRef], facts: dict[str, object]
) -> ObjectRef:
    """Write ``<output_prefix>manifest.json`` unless one is there, and answer with its reference.

    Raises:
        ArtifactMissing: A listed file is not in the bucket; nothing is written.
        AlreadyCommitted: Another attempt has written the manifest first.
    """
    entries = [_entry(store, name, ref) for name, ref in sorted(files.items())]
    body = {
        "jobKey": job_key,
        "createdAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "files": [entry.to_json() for entry in entries],
        **{to_camel(name): value for name, value in facts.items()},
    }
    data = json.dumps(body, ensure_ascii=False, allow_nan=False, indent=1).encode()
    key = f"{output_prefix}manifest.json"
    parse_manifest(data, key)
    if store.put_new(key, data):
        return ObjectRef(key=key, sha256=sha256(data).hexdigest())
    found = find_manifest(store, output_prefix)
    if found is None:
        raise ArtifactMissing(f"{key} was there and is gone.", details={"key": key})
    raise AlreadyCommitted(*found)


def download_manifest(store: ObjectStore, ref: ObjectRef, directory: Path) -> Manifest:
    """Fetch every file the manifest ``ref`` lists into ``directory`` under its name, digests checked, and return the manifest."""
    manifest = read_manifest(store, ref)
    for file in manifest.files:
        target = directory / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        store.download(file.ref(), target)
    return manifest


def _entry(store: ObjectStore, name: str, ref: ObjectRef) -> ManifestFile:
    size = store.size(ref.key)
    if size is None:
        raise ArtifactMissing(f"{ref.key} is listed but was not written.", details={"key": ref.key})
    return ManifestFile(name=name, key=ref.key, sha256=ref.sha256, bytes=size)
