"""Cleaning, exact deduplication and MinHash by datatrove's local executor, from a file of JSON lines to one. Prints one JSON line.

One worker. Its own defaults: 14 buckets of 8 hashes over five-word shingles, which its design for long documents asks for; it
knows no character shingles and verifies no candidate. Needs ``datatrove[io,processing]`` and ``spacy``, whose word splitter is built in.

    python bench/ml/peers/dedup_datatrove.py rows.jsonl
"""

from __future__ import annotations

import itertools
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.exact_dedup import (
    ExactDedupConfig,
    ExactDedupFilter,
    ExactDedupSignature,
    ExactFindDedups,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.formatters import FTFYFormatter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from dirty_rows import read
from one_line import measure, source


def deduplicated(path: Path, folder: Path) -> int:
    """Run the stages as the project's examples order them, and count the lines of the last one."""
    stages = itertools.count()

    def at(name: str) -> str:
        return str(folder / name)

    def run(*steps: PipelineStep, tasks: int = 1) -> None:
        # A folder of its own for each stage: one that holds a finished task would be skipped.
        LocalPipelineExecutor(pipeline=[*steps], tasks=tasks, workers=1, logging_dir=at(f"log-{next(stages)}")).run()

    def rows_of(name: str) -> JsonlReader:
        return JsonlReader(at(name))

    def written(name: str) -> JsonlWriter:
        return JsonlWriter(at(name), compression=None)

    exact = ExactDedupConfig(content_getter=lambda document: " ".join(document.text.casefold().split()))
    run(
        JsonlReader(str(path.parent), glob_pattern=path.name),
        FTFYFormatter(),
        LambdaFilter(lambda document: bool(document.text.strip())),
        written("clean"),
    )
    run(rows_of("clean"), ExactDedupSignature(at("exact"), exact))
    run(ExactFindDedups(at("exact"), at("exact-found"), exact))
    run(rows_of("clean"), ExactDedupFilter(at("exact-found"), exact), written("different"))
    near = MinhashConfig()
    run(rows_of("different"), MinhashDedupSignature(at("signatures"), near))
    run(MinhashDedupBuckets(at("signatures"), at("buckets"), config=near), tasks=near.num_buckets)
    run(MinhashDedupCluster(at("buckets"), at("near-found"), config=near))
    run(rows_of("different"), MinhashDedupFilter(at("near-found")), written("kept"))
    return sum(len(read(file)) for file in (folder / "kept").iterdir())


def main() -> None:
    """See the module."""
    path = source()
    rows = len(read(path))
    measure("datatrove", rows, lambda folder: deduplicated(path, folder))


if __name__ == "__main__":
    main()
