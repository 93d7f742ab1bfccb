"""A file of generated dirty rows for the benchmarks of cleaning and deduplication: the same bytes for the same arguments.

Lines of JSON with ``text`` and ``label``: of 100 rows about 5 are copies, 3 copies in other case or spacing, 3 nearly copies, 1 blank, 1
with broken encoding. Standard library only, since it runs in the peers' environments too.

    python bench/ml/peers/dirty_rows.py rows.jsonl --rows 64000
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

_WORDS, _LABELS, _REMEMBERED = 5_000, 60, 5_000
_SYLLABLES = [consonant + vowel for consonant in "bcdfghjklmnprstvw" for vowel in "aeiou"]


def dirty_rows(count: int, seed: int = 1) -> Iterator[dict[str, str]]:
    """That many rows."""
    draw = random.Random(seed)
    words = ["".join(draw.choices(_SYLLABLES, k=draw.randint(1, 4))) for _ in range(_WORDS)]
    earlier: list[dict[str, str]] = []
    for number in range(count):
        chance = draw.random()
        row = {
            "text": " ".join(draw.choices(words, k=draw.randint(8, 40))),
            "label": f"intent_{draw.randrange(_LABELS)}",
        }
        if chance < 0.11 and earlier:
            row = {**draw.choice(earlier)}
            if 0.05 <= chance < 0.08:
                row["text"] = f" {row['text'].upper()}" if chance < 0.065 else row["text"].replace(" ", "  ", 3)
            elif chance >= 0.08:
                row["text"] += draw.choice((" ok", " x", "!!", " a b"))
        elif chance < 0.12:
            row["text"] = draw.choice(("", "   ", "\t"))
        elif chance < 0.13:
            row["text"] += " caf\u00c3\u00a9 &amp; th\u00c3\u00a9"
        if len(earlier) < _REMEMBERED:
            earlier.append(row)
        else:
            earlier[number % _REMEMBERED] = row
        yield row


def write(path: Path, count: int, seed: int = 1) -> None:
    """Write them as lines of JSON."""
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in dirty_rows(count, seed))


def read(path: Path) -> list[dict[str, str]]:
    """The rows of such a file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main() -> None:
    """Read the arguments, write the file."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--rows", type=int, default=64_000)
    given = arguments.parse_args()
    write(given.out, given.rows)


if __name__ == "__main__":
    main()
