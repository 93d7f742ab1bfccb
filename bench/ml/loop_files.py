"""Split a training file into rows to start with and a pool, by seed: ``source.csv`` and ``pool.csv`` for the benchmark of the loop.

python bench/ml/loop_files.py train.csv folder --seed 1
"""

from __future__ import annotations

import argparse
import csv
import random
from pathlib import Path

from noisy_rows import Rows, read

_START_ROWS = 1_000


def split(rows: Rows, start: int, seed: int) -> tuple[Rows, Rows]:
    """Rows to start with, drawn at random, and the rest; both in the order of the file."""
    if start >= len(rows):
        raise SystemExit(f"--start {start}: the file has {len(rows)} rows, which leaves none for the pool")
    first = set(random.Random(seed).sample(range(len(rows)), start))
    return [row for at, row in enumerate(rows) if at in first], [row for at, row in enumerate(rows) if at not in first]


def write(path: Path, rows: Rows) -> None:
    """A CSV file with the columns text and label."""
    with path.open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines, lineterminator="\n").writerows([("text", "label"), *rows])


def main() -> None:
    """Read the arguments, write both files."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("train", type=Path)
    arguments.add_argument("out", type=Path, help="folder to write to; made if missing")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--start", type=int, default=_START_ROWS)
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for name, rows in zip(("source", "pool"), split(read(given.train), given.start, given.seed), strict=True):
        write(given.out / f"{name}.csv", rows)


if __name__ == "__main__":
    main()
