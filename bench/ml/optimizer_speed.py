"""Rows per second of the optimizer's cleaning, exact deduplication and near-duplicate search, and the peak of memory; one line of JSON.

Rows are short generated texts with labels, 5 % of them copies and 2 % nearly so. Rates are per second of the processor, so that other
programs on the machine count little. ``--whole`` measures a whole first iteration instead, from a CSV file to its row files, and
``--datasketch``, in an environment that has that library, its near-duplicate search of the same different texts.

    PYTHONPATH=python-services:python-services/common python bench/ml/optimizer_speed.py --rows 100000
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_VOCABULARY = 3_000
_LABELS = 60
_THRESHOLD = 0.9


def texts_and_labels(rows: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """Generated rows, the same for the same arguments."""
    rng = random.Random(seed)
    syllables = [consonant + vowel for consonant in "bcdfghjklmnprstvw" for vowel in "aeiou"]
    words = [
        "".join(rng.choices(syllables, k=rng.randint(1, 4))) + rng.choice(("", "s", "n", "r"))
        for _ in range(_VOCABULARY)
    ]
    recent: list[tuple[str, str]] = []
    for _ in range(rows):
        chance = rng.random()
        if chance < 0.07 and recent:
            text, label = rng.choice(recent)
            yield (text if chance < 0.05 else text + rng.choice((" now", " x", "!", " a"))), label
            continue
        text = " ".join(rng.choices(words, k=rng.randint(6, 10)))
        row = (f"{text} {rng.randrange(10_000)}" if chance > 0.9 else text), f"intent_{rng.randrange(_LABELS)}"
        if len(recent) < 5_000:
            recent.append(row)
        else:
            recent[rng.randrange(5_000)] = row
        yield row


def measured(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of a call, and what it gave."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def steps(rows: int) -> dict[str, float]:
    """The two figures of the optimizer's own steps."""
    import polars as pl

    from data_optimizer.split import with_groups
    from data_optimizer.steps.duplicates import without_exact_duplicates, without_near_duplicates
    from data_optimizer.steps.filters import usable
    from data_optimizer.steps.normalise import normalise
    from data_optimizer.working_rows import SCHEMA
    from wlops_ml.rows import content_id_column

    raw = pl.DataFrame([*texts_and_labels(rows)], schema={"given": pl.String, "wanted": pl.String}, orient="row").with_columns(
        pl.int_range(1, rows + 1).alias("line"), pl.lit("{}").alias("meta"), pl.lit("training").alias("file"),
        pl.lit("original").alias("source"), pl.lit("train").alias("role"), pl.lit(None, dtype=pl.String).alias("group"),
    )  # fmt: skip

    def clean() -> pl.DataFrame:
        kept, _ = usable(normalise(raw, "classification"), "classification")
        named = kept.with_columns(content_id_column(kept["given"], kept["wanted"])).select(list(SCHEMA))
        return without_exact_duplicates(named, "classification")[0]

    cleaning, cleaned = measured(clean)
    searching, left = measured(
        lambda: without_near_duplicates(with_groups(cleaned, "classification"), "classification")[0]
    )
    return {
        "cleanAndExactRowsPerSecond": round(rows / cleaning),
        "nearDuplicateRowsPerSecond": round(cleaned.height / searching),
        "rowsAfterExact": cleaned.height,
        "rowsAfterNear": left.height,
    }


def with_datasketch(rows: int) -> dict[str, float]:
    """The near-duplicate search of the same different texts by datasketch: signatures in bulk, 14 bands of 8, queried before inserting."""
    from datasketch import MinHash, MinHashLSH

    different = [*dict.fromkeys(text for text, _ in texts_and_labels(rows))]

    def search() -> int:
        index = MinHashLSH(num_perm=112, params=(14, 8))
        shingles = ([text[at : at + 5].encode() for at in range(max(1, len(text) - 4))] for text in different)
        kept = 0
        for number, signature in enumerate(MinHash.generator(shingles, num_perm=112)):
            if not any(
                signature.jaccard(other) >= _THRESHOLD for other in map(signatures.__getitem__, index.query(signature))
            ):
                index.insert(number, signature, check_duplication=False)
                signatures[number] = signature
                kept += 1
        return kept

    signatures: dict[int, Any] = {}
    searching, kept = measured(search)
    return {
        "nearDuplicateRowsPerSecond": round(len(different) / searching),
        "rowsAfterExact": len(different),
        "rowsAfterNear": kept,
    }


def whole(rows: int) -> dict[str, float]:
    """A whole first iteration from a CSV file to its row files."""
    from data_optimizer.job import run
    from wlops_common.contracts import OptimizeRequest, SourceFile
    from wlops_common.object_store import file_sha256
    from wlops_common.testing import DirectoryObjectStore, job_context

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        source = root / "bucket" / "source"
        source.parent.mkdir()
        with source.open("w", encoding="utf-8") as out:
            out.write("text,label\n")
            out.writelines(f"{text},{label}\n" for text, label in texts_and_labels(rows))
        request = OptimizeRequest(
            job_key="bench/0/optimization/0", task_id="bench", iteration=0, segment=0, seed=7, output_prefix="optimized/",
            sealed_prefix="sealed/", source=SourceFile(dataset_id="bench", key="source", sha256=file_sha256(source)),
        )  # fmt: skip
        context = job_context(root, request, store=DirectoryObjectStore(root / "bucket"))
        started = time.monotonic()
        seconds, result = measured(lambda: run(context, request))
        return {
            "rowsPerSecond": round(rows / seconds),
            "wallSeconds": round(time.monotonic() - started, 1),
            "rowsAfterNear": result.train.rows,
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--datasketch", action="store_true", help="measure that library instead")
    kind.add_argument("--whole", action="store_true", help="measure a whole first iteration")
    given = parser.parse_args()
    work = with_datasketch if given.datasketch else whole if given.whole else steps
    figures = work(given.rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": given.rows, "measured": work.__name__, **figures, "peakMiB": round(peak)}))


if __name__ == "__main__":
    main()
