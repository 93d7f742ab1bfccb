"""Rows, requests and jobs for the trainer's tests. Everything is made up and small; the bucket is a folder."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from trainer.job import run
from wlops_common.contracts import ObjectRef, RowsRef, TaskType, TrainRequest, TrainResult
from wlops_common.errors import TrainingDiverged
from wlops_common.job_context import JobInterrupted
from wlops_common.manifest import download_manifest
from wlops_common.testing import DirectoryObjectStore, RecordingJobContext, job_context
from wlops_ml.models.base import Predictor
from wlops_ml.models.load import load_model
from wlops_ml.rows import content_ids, frame, input_column, output_column, to_parquet

Rows = Sequence[dict[str, Any]]

INTENTS = {
    "card lost": ["I lost my card", "my card is gone", "someone took my card", "I cannot find my card", "card missing"],
    "transfer late": [
        "the transfer is late",
        "money did not arrive",
        "my transfer is pending",
        "where is the transfer",
    ],
    "change address": ["I moved house", "change my address please", "update my postal address", "new home address"],
    "refund status": ["where is my refund", "refund not received", "did you refund me", "refund still missing"],
}
_OPENINGS = ["Hello,", "Hi!", "Please help:", "Since Monday", "Again", "Good morning,", "Quick question:", ""]


def intent_rows(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Short customer messages with an intent as label."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        label = draw.choice(sorted(INTENTS))
        rows.append(
            {"text": f"{draw.choice(_OPENINGS)} {draw.choice(INTENTS[label])} ({number})".strip(), "label": label}
        )
    return rows


class Jobs:
    """Training jobs on one bucket."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.store = DirectoryObjectStore(tmp_path / "bucket")
        self.models_dir: Path | None = None

    def put(self, rows: Rows, task_type: TaskType, key: str) -> RowsRef:
        """Store rows as the optimizer would."""
        ids = content_ids((row[input_column(task_type)], row[output_column(task_type)]) for row in rows)
        table = frame([{"id": row_id, **row} for row_id, row in zip(ids, rows, strict=True)], task_type)
        ref = self.store.put(key, to_parquet(table, task_type))
        return RowsRef(key=ref.key, sha256=ref.sha256, rows=len(rows))

    def request(
        self,
        train: Rows,
        mine: Rows = (),
        *,
        model: str = "builtin:classifier",
        task_type: TaskType = "classification",
        resume_from: ObjectRef | None = None,
        segment: int = 0,
        **hyperparameters: float | str | bool,
    ) -> TrainRequest:
        """A request for these rows."""
        return TrainRequest(
            job_key=f"task_1/0/training/{segment}",
            task_id="task_1",
            iteration=0,
            segment=segment,
            seed=7,
            output_prefix=f"models/task_1/0/s{segment}/",
            model_name=model,
            hyperparameters=hyperparameters,
            task_type=task_type,
            train=self.put(train, task_type, "optimized/d/train.parquet"),
            mine=self.put(mine, task_type, "optimized/d/mine.parquet") if mine else None,
            resume_from=resume_from,
        )

    def context(self, request: TrainRequest, *, attempt: int = 1, **options: Any) -> RecordingJobContext:
        """The context of one attempt."""
        return job_context(
            self.tmp_path, request, store=self.store, attempt=attempt, models_dir=self.models_dir, **options
        )

    def train(self, request: TrainRequest) -> TrainResult:
        """Run a job to its end."""
        return run(self.context(request), request)

    def predictor(self, result: TrainResult) -> Predictor:
        """The finished model, read back as the evaluator does."""
        folder = self.tmp_path / f"model-{result.weights_sha256[:8]}"
        download_manifest(self.store, result.model, folder)
        return load_model(folder, models_dir=self.models_dir)

    def stored_keys(self) -> list[str]:
        """All keys of the bucket."""
        return sorted(
            path.relative_to(self.store.root).as_posix() for path in self.store.root.rglob("*") if path.is_file()
        )


def without_times(result: TrainResult) -> TrainResult:
    """All of a result that another run of the same training must have too."""
    empty = ObjectRef(key="x", sha256="0" * 64)
    same = {"seconds": 0, "model": empty, "model_path": "x", "resumed_from_step": None}
    return result.model_copy(update=same)


def diverge(jobs: Jobs, request: TrainRequest) -> TrainingDiverged:
    """Run a job whose numbers go wrong."""
    with pytest.raises(TrainingDiverged) as fault:
        run(jobs.context(request), request)
    return fault.value


def checkpoint_of(fault: TrainingDiverged) -> ObjectRef:
    """The last good checkpoint that the fault names."""
    assert fault.details is not None
    return ObjectRef.model_validate(fault.details["checkpoint"])


def pause(jobs: Jobs, request: TrainRequest, order: Callable[[], str | None], attempt: int = 1) -> ObjectRef:
    """Run a job until this order pauses it; answers with the checkpoint it left."""
    context = jobs.context(request, attempt=attempt)
    context.recorder.order = order
    with pytest.raises(JobInterrupted) as interruption:
        run(context, request)
    assert interruption.value.reason == "pause"
    assert interruption.value.result is not None
    return ObjectRef.model_validate(interruption.value.result["checkpoint"])
