"""Cleaning, exact deduplication and near-duplicate search by the optimizer's own steps, from a file of JSON lines to one. One JSON line.

With ``NEAR_ONLY=1`` only the near-duplicate search, on the different texts of the file: the counterpart of ``dedup_datasketch.py``.

    PYTHONPATH=python-services:python-services/common python bench/ml/peers/dedup_ours.py rows.jsonl
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
from dirty_rows import read
from one_line import measure, source

from data_optimizer.parsing.reader import read_dataset
from data_optimizer.split import with_groups
from data_optimizer.steps.duplicates import without_exact_duplicates, without_near_duplicates
from data_optimizer.steps.filters import usable
from data_optimizer.steps.normalise import normalise
from data_optimizer.working_rows import FILE, SCHEMA, compact
from wlops_ml.near_duplicates import near_repeats
from wlops_ml.overlap import NEAR_DUPLICATE_SIMILARITY
from wlops_ml.rows import content_id_column


def whole(path: Path, folder: Path) -> int:
    """As the first iteration does it, without the split."""
    raw = read_dataset(path, task_type="classification").rows.with_columns(pl.lit("training", dtype=FILE).alias("file"))
    kept, _ = usable(normalise(raw, "classification"), "classification")
    rows = compact(
        kept.with_columns(
            content_id_column(kept["given"], kept["wanted"]),
            pl.lit("original").alias("source"),
            pl.lit("train").alias("role"),
            pl.lit(None, dtype=pl.String).alias("group"),
        ).select(list(SCHEMA)),
        "classification",
    )
    different, _ = without_exact_duplicates(rows, "classification")
    left, _ = without_near_duplicates(with_groups(different, "classification", folder), "classification")
    left.select(pl.col("given").alias("text"), pl.col("wanted").cast(pl.String).alias("label")).write_ndjson(
        folder / "kept.jsonl"
    )
    return left.height


def near_alone(texts: list[str]) -> int:
    """The search alone, in different texts."""
    return len(texts) - len(near_repeats(texts, NEAR_DUPLICATE_SIMILARITY))


def main() -> None:
    """See the module."""
    path = source()
    rows = read(path)
    if os.environ.get("NEAR_ONLY") == "1":
        different = [*dict.fromkeys(row["text"] for row in rows if row["text"].strip())]
        measure("ours, near-duplicates alone", len(different), lambda _: near_alone(different))
    else:
        measure("ours", len(rows), lambda folder: whole(path, folder))


if __name__ == "__main__":
    main()
