"""The three jobs of one STANDARD task called one after the other in one process: no services, no Temporal, a folder for a bucket.

The peer of ``bench/iteration.ts``. Prints one JSON line: seconds of each part and the score on the test file. The imports of the
libraries are not counted, as the services have made them before a job comes.

    PYTHONPATH=python-services:python-services/common python bench/plain_iteration.py train.csv test.csv 7
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import polars as pl  # noqa: F401 - imported before the clock starts
import torch._dynamo  # noqa: F401 - imported before the clock starts

from data_optimizer import job as optimizer
from evaluator import job as evaluator
from trainer import job as trainer
from wlops_common.contracts import EvaluateRequest, OptimizeRequest, SourceFile, TrainRequest
from wlops_common.testing import DirectoryObjectStore, job_context


def iteration(folder: Path, train_file: Path, test_file: Path, seed: int) -> dict[str, float]:
    """Run optimize, train, evaluate and the final evaluation; seconds by part, and the score."""
    store = DirectoryObjectStore(folder / "bucket")

    def source(name: str, file: Path) -> SourceFile:
        ref = store.upload(f"datasets/1/{name}/raw", file)
        return SourceFile(dataset_id=name, key=ref.key, sha256=ref.sha256)

    def fields(phase: str, prefix: str) -> dict[str, object]:
        key = f"task_bench/0/{phase}/0"
        same = {"task_id": "task_bench", "iteration": 0, "segment": 0, "seed": seed}
        return {"job_key": key, "output_prefix": prefix, **same}

    sources = {"source": source("dataset_train", train_file), "test": source("dataset_test", test_file)}
    marks = [time.perf_counter()]
    optimize = OptimizeRequest(
        **fields("optimization", "optimized/d/"), **sources, sealed_prefix="evaluations/t/sealed/"
    )
    rows = optimizer.run(job_context(folder, optimize, store=store), optimize)
    marks.append(time.perf_counter())
    same = {"task_type": rows.task_type}
    train = TrainRequest(
        **fields("training", "models/t/0/s0/"),
        **same,
        model_name="builtin:classifier",
        train=rows.train,
        mine=rows.mine,
    )
    model = trainer.run(job_context(folder, train, store=store), train).model
    marks.append(time.perf_counter())
    evaluate = EvaluateRequest(
        **fields("evaluation", "evaluations/t/0/s0/"), **same, purpose="iteration", model=model,
        train=rows.train, mine=rows.mine, select=rows.select,
    )  # fmt: skip
    evaluator.run(job_context(folder, evaluate, store=store), evaluate)
    final = EvaluateRequest(
        **fields("final", "evaluations/t/final/s0/"), **same, purpose="final", model=model, test=rows.test
    )
    score = evaluator.run(job_context(folder, final, store=store), final).score.value
    marks.append(time.perf_counter())
    names = ("optimization", "training", "evaluation")
    parts = {name: end - start for name, (start, end) in zip(names, pairwise(marks), strict=True)}
    return {**parts, "total": marks[-1] - marks[0], "score": score}


if __name__ == "__main__":
    train_path, test_path, seed_text = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(iteration(Path(scratch), Path(train_path), Path(test_path), int(seed_text))))
