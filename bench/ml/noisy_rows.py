"""Rows of a CSV file with wrong labels planted among them, for the benchmarks of the label finder."""

from __future__ import annotations

import csv
import random
from pathlib import Path

Rows = list[tuple[str, str]]


def read(path: Path) -> Rows:
    """Text and label of each row; the file has the columns text and label (or category)."""
    with path.open(newline="", encoding="utf-8") as lines:
        return [(row["text"], row.get("label") or row["category"]) for row in csv.DictReader(lines)]


def planted(rows: Rows, share: float, kind: str, seed: int) -> tuple[Rows, set[int]]:
    """Rows with that share of labels wrong: any other label (even), or always the same other one for a label (pair)."""
    rng = random.Random(seed)
    names = sorted({label for _, label in rows})
    shuffled = rng.sample(names, len(names))
    after = dict(zip(shuffled, shuffled[1:] + shuffled[:1], strict=True))
    wrong = set(rng.sample(range(len(rows)), round(share * len(rows))))

    def given(label: str) -> str:
        return after[label] if kind == "pair" else rng.choice([name for name in names if name != label])

    return [(text, given(label) if row in wrong else label) for row, (text, label) in enumerate(rows)], wrong
