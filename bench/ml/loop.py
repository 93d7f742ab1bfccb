"""The loop against its own random arm: the same rounds, as many pool rows in each, taken by the optimizer or at random.

Runs the services' own job functions in one process, on a bucket in a folder. Prints one JSON line: for each seed and round the rows and the
sealed test's score of both arms. What it is run on is in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python-services"), str(ROOT / "python-services" / "common")]

from data_optimizer.job import run as optimize  # noqa: E402
from evaluator.job import run as evaluate  # noqa: E402
from trainer.job import run as train  # noqa: E402
from wlops_common.contracts import (  # noqa: E402
    ChampionOutcomes,
    EvaluateRequest,
    EvaluateResult,
    ObjectRef,
    OptimizeRequest,
    OptimizeResult,
    RowsRef,
    SourceFile,
    TrainRequest,
    TrainResult,
)
from wlops_common.testing import DirectoryObjectStore, job_context  # noqa: E402
from wlops_ml import rows as row_files  # noqa: E402


@dataclass
class Round:
    """What one iteration made, and how its model does on the sealed rows (which the loop itself never sees before its end)."""

    optimized: OptimizeResult
    trained: TrainResult
    evaluated: EvaluateResult
    test: float


class Loop:
    """One task in a folder: files as given, a model name, and the rounds so far."""

    def __init__(
        self, folder: Path, files: dict[str, Path], model: str, hyperparameters: dict[str, Any], seed: int
    ) -> None:
        self._folder, self._model, self._hyperparameters, self._seed = folder, model, hyperparameters, seed
        self.store = DirectoryObjectStore(folder / "bucket")
        self._sources = {}
        for role, path in files.items():
            ref = self.store.put(f"datasets/1/{role}/raw", path.read_bytes())
            self._sources[role] = SourceFile(dataset_id=role, key=ref.key, sha256=ref.sha256)
        self.champion: Round | None = None
        self._champion_iteration = 0
        self._rejected: list[ObjectRef] = []
        self._jobs = 0

    def rounds(self, count: int) -> Iterator[Round]:
        """Optimize, train, evaluate, ``count`` times; the best on ``select`` is the champion, and each round starts from its recipe."""
        for iteration in range(count):
            optimized = self._optimize(iteration)
            trained = self.train(optimized.train, optimized.mine, optimized.task_type, f"{iteration}")
            evaluated = self._evaluate(iteration, optimized, trained)
            made = Round(optimized, trained, evaluated, self.test(trained, optimized))
            if self.champion is None or evaluated.score.value > self.champion.evaluated.score.value:
                self.champion, self._champion_iteration, self._rejected = made, iteration, []
            else:
                self._rejected.append(optimized.recipe)
            yield made

    def _job(self, iteration: int, phase: str, name: str) -> dict[str, Any]:
        self._jobs += 1
        return {
            "job_key": f"task_1/{iteration}/{phase}/{self._jobs}",
            "task_id": "task_1",
            "iteration": iteration,
            "segment": self._jobs,
            "seed": self._seed,
            "output_prefix": f"{phase}/{name}/",
        }

    def _optimize(self, iteration: int) -> OptimizeResult:
        best = self.champion
        request = OptimizeRequest(
            **{**self._job(iteration, "optimization", str(iteration)), "seed": self._seed + iteration},
            **self._sources,
            split=best.optimized.split if best else None,
            recipe=best.optimized.recipe if best else None,
            feedback=best.evaluated.improvements_file if best else None,
            rejected=self._rejected,
            sealed_prefix="evaluations/task_1/sealed/",
        )
        return optimize(job_context(self._folder, request, store=self.store), request)

    def train(self, rows: RowsRef, mine: RowsRef, task_type: Any, name: str) -> TrainResult:
        """Train the task's model on these rows."""
        request = TrainRequest(
            **self._job(0, "training", name),
            model_name=self._model,
            hyperparameters=self._hyperparameters,
            task_type=task_type,
            train=rows,
            mine=mine,
        )
        return train(job_context(self._folder, request, store=self.store), request)

    def _evaluate(self, iteration: int, optimized: OptimizeResult, trained: TrainResult) -> EvaluateResult:
        outcomes = self.champion.evaluated.outcomes if self.champion else None
        request = EvaluateRequest(
            **self._job(iteration, "evaluation", str(iteration)),
            purpose="iteration",
            model=trained.model,
            task_type=optimized.task_type,
            train=optimized.train,
            mine=optimized.mine,
            select=optimized.select,
            pool=optimized.pool,
            sealed_prefix="evaluations/task_1/sealed/",
            champion=ChampionOutcomes(iteration=self._champion_iteration, outcomes=outcomes) if outcomes else None,
        )
        return evaluate(job_context(self._folder, request, store=self.store), request)

    def test(self, trained: TrainResult, optimized: OptimizeResult) -> float:
        """The sealed score of a model: for the bench's eyes only."""
        request = EvaluateRequest(
            **self._job(0, "final", f"{trained.weights_sha256[:16]}-{self._jobs}"),
            purpose="final",
            model=trained.model,
            task_type=optimized.task_type,
            test=optimized.test,
        )
        return evaluate(job_context(self._folder, request, store=self.store), request).score.value

    def random_rows(self, first: OptimizeResult, count: int, name: str) -> RowsRef:
        """The first round's training rows and ``count`` rows of its pool, drawn at random."""
        if first.pool is None:
            raise ValueError("random rows are drawn from a pool, and the task has none")
        tables = [
            row_files.from_parquet(self.store.read(ObjectRef(key=ref.key, sha256=ref.sha256)))
            for ref in (first.train, first.pool)
        ]
        drawn = tables[1].sample(min(count, tables[1].height), seed=self._seed)
        table = tables[0].vstack(drawn)
        ref = self.store.put(f"random/{name}.parquet", row_files.to_parquet(table, first.task_type))
        return RowsRef(key=ref.key, sha256=ref.sha256, rows=table.height)


def compare(
    files: dict[str, Path], model: str, rounds: int, seed: int, hyperparameters: dict[str, Any]
) -> dict[str, Any]:
    """The loop and its random arm for one seed: per round rows and sealed score of both, and the champion's in the end."""
    with tempfile.TemporaryDirectory() as folder:
        loop, told = Loop(Path(folder), files, model, hyperparameters, seed), []
        first: Round | None = None
        for number, made in enumerate(loop.rounds(rounds)):
            first = first or made
            started = time.monotonic()
            row = {
                "rows": made.optimized.train.rows,
                "select": made.evaluated.score.value,
                "test": made.test,
                "applied": {one.kind: one.rows for one in made.optimized.applied},
                "seconds": {
                    "optimize": made.optimized.seconds,
                    "train": made.trained.seconds,
                    "evaluate": made.evaluated.seconds,
                },
                "champion": loop.champion is made,
            }
            if made.optimized.trial:
                row["arms"] = {arm.arm: [arm.score, arm.chosen] for arm in made.optimized.trial.arms}
                row["baseline"] = made.optimized.trial.baseline
            extra = made.optimized.train.rows - first.optimized.train.rows
            if first.optimized.pool is not None and extra > 0:
                rows = loop.random_rows(first.optimized, extra, str(number))
                row["random"] = loop.test(
                    loop.train(rows, first.optimized.mine, first.optimized.task_type, f"random-{number}"),
                    first.optimized,
                )
                row["randomRows"] = rows.rows
            row["bench"] = round(time.monotonic() - started, 1)
            told.append(row)
            print(json.dumps({"seed": seed, "round": number, **row}), file=sys.stderr, flush=True)
        champion = next(row for row in reversed(told) if row["champion"])
        return {"seed": seed, "rounds": told, "champion": champion["test"], "random": champion.get("random")}


def main() -> None:
    """Read the arguments, run the seeds, print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for role in ("source", "validation", "test", "pool"):
        parser.add_argument(f"--{role}", type=Path, required=role == "source")
    parser.add_argument("--model", default="builtin:classifier")
    parser.add_argument("--hyperparameters", type=json.loads, default={})
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments = parser.parse_args()
    files = {role: path for role in ("source", "validation", "test", "pool") if (path := getattr(arguments, role))}
    results = [
        compare(files, arguments.model, arguments.rounds, seed, arguments.hyperparameters) for seed in arguments.seeds
    ]
    print(json.dumps({"bench": "loop", "results": results}))


if __name__ == "__main__":
    main()
