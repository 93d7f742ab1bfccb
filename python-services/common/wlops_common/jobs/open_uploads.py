"""Uploads in parts that a job has open, noted in its work folder: what a killed job leaves open there, its service aborts.

A service may not list what is open in the bucket, so the job notes each upload before it sends the first part. An upload that the server
opened and whose answer never came is not noted; it is left to the sweep of the bucket's owner.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

FOLDER = ".open-uploads"


class OpenUpload(NamedTuple):
    """An upload in parts, and the file that notes it."""

    key: str
    upload_id: str
    note: Path


@dataclass(frozen=True)
class UploadNotes:
    """The notes of one work folder; see ``object_store.UploadJournal``."""

    work_dir: Path

    def opened(self, key: str, upload_id: str) -> None:
        """Note an upload."""
        note = self._note(upload_id)
        note.parent.mkdir(exist_ok=True)
        partial = note.with_suffix(".partial")
        partial.write_text(json.dumps([key, upload_id]), encoding="utf-8")
        partial.replace(note)

    def closed(self, upload_id: str) -> None:
        """Drop the note of an upload that was completed or aborted."""
        self._note(upload_id).unlink(missing_ok=True)

    def open(self) -> Iterator[OpenUpload]:
        """What is noted."""
        for note in sorted((self.work_dir / FOLDER).glob("*.json")):
            key, upload_id = json.loads(note.read_text(encoding="utf-8"))
            yield OpenUpload(key, upload_id, note)

    def _note(self, upload_id: str) -> Path:
        return self.work_dir / FOLDER / f"{sha256(upload_id.encode()).hexdigest()[:32]}.json"
