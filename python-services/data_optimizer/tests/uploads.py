"""Files as people upload them, with generated texts, and reading them."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from data_optimizer.parsing.reader import ReadDataset, read_dataset

_VOCABULARY = (
    "the a of and to in for with on at by from card order film song goal market phone river teacher garden price music doctor "
    "engine winter letter bridge story actor window planet server coffee ticket match signal button paper family street "
    "was is has had gave took made broke found lost bought sold wanted needed liked hated saw heard opened closed moved kept "
    "slow bright dull cheap late early warm quiet strange honest broken lovely plain sharp empty certain modern local"
)


def prose(count: int, seed: int, *, longest: int = 24) -> list[str]:
    """Different texts of 4 to ``longest`` words, most with commas, some with blanks after them and some without."""
    rng = random.Random(seed)
    made: dict[str, None] = {}
    while len(made) < count:
        words = rng.choices(_VOCABULARY.split(), k=rng.randint(4, longest))
        for place in range(len(words) - 1):
            if rng.random() < 0.08:
                words[place] += ","
        made[" ".join(words) + rng.choice(("", ".", "?", "!"))] = None
    return list(made)


def labels(count: int, names: Iterable[str], seed: int = 0, *, sort: bool = False) -> list[str]:
    """A label per row; ``sort``: all rows of a class together."""
    chosen = random.Random(seed).choices(list(names), k=count)
    return sorted(chosen) if sort else chosen


def sheet(
    rows: Iterable[Iterable[object]], *, delimiter: str = ",", quoting: Literal[0, 1] = csv.QUOTE_MINIMAL
) -> bytes:
    """Rows as a CSV writer writes them."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def lines(rows: Iterable[str]) -> bytes:
    """Lines as they are, quoted by nobody."""
    return "".join(f"{row}\n" for row in rows).encode()


def json_lines(rows: Iterable[object]) -> bytes:
    """A JSON value per line."""
    return lines(json.dumps(row) for row in rows)


def read(folder: Path, data: bytes, **options: Any) -> ReadDataset:
    """The content as ``read_dataset`` reads it from a file."""
    (folder / "file").write_bytes(data)
    return read_dataset(folder / "file", **options)
