"""The doubted labels as a list for people: ``label-issues.jsonl``, one JSON object a row, the surest doubt first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import BinaryIO

import polars as pl

from data_optimizer.frozen_split import Suspect

LABEL_LIST = "label-issues.jsonl"


def write_label_list(sink: BinaryIO, train: pl.DataFrame, suspects: Sequence[Suspect]) -> None:
    """Write ``id``, ``line`` in its file, ``text``, ``label``, ``suggested`` and ``margin`` (0 a guess, 1 sure) of each suspect."""
    doubted = train.filter(pl.col("id").is_in([one.id for one in suspects])).select("id", "line", "given")
    place = {row_id: (line, text) for row_id, line, text in doubted.iter_rows()}
    for one in sorted(suspects, key=lambda suspect: (-suspect.margin, suspect.id)):
        line, text = place[one.id]
        told = {"id": one.id, "line": line, "text": text, "label": one.given}
        told |= {"suggested": one.suggested, "margin": one.margin}
        sink.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
