"""For the tests: a bucket with rows and a model, and a predictor whose answers are known."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evaluator.job import run
from wlops_common.contracts import EvaluateRequest, EvaluateResult, ObjectRef, RowsRef, TaskType
from wlops_common.job_context import JobContext
from wlops_common.manifest import find_manifest, write_manifest
from wlops_common.testing import DirectoryObjectStore, RecordingJobContext, job_context
from wlops_ml.models.base import Check, OnProgress, Prediction, Predictor, Row
from wlops_ml.rows import content_ids, frame, to_parquet

Answer = Callable[[str], str]
#: How likely a model finds a completion: its loss after a prompt.
CompletionLoss = Callable[[str, str], float]


class KnownPredictor(Predictor):
    """Answers by a function of the input; with labels it gives the answered one a probability of ``certainty``, or what that says.

    ``seen`` are the rows it was to answer, ``told`` those whose completion it was asked about, by ``loss``.
    """

    def __init__(
        self,
        task_type: TaskType,
        answer: Answer,
        labels: Sequence[str] = (),
        certainty: float | Callable[[str], float] = 0.8,
        loss: CompletionLoss = lambda _prompt, _completion: 1.5,
    ) -> None:
        self.task_type = task_type
        self.labels = tuple(labels)
        self.seen: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        self._answer = answer
        self._loss = loss
        self._certainty = certainty

    def predict(
        self, rows: Sequence[Row], *, on_progress: OnProgress | None = None, check: Check | None = None
    ) -> list[Prediction]:
        """See ``Predictor.predict``."""
        self.seen += [dict(row) for row in rows]
        answered = [
            self._predicted(str(row["text" if self.task_type == "classification" else "prompt"])) for row in rows
        ]
        if check is not None:
            check()
        if on_progress is not None:
            on_progress(len(rows), len(rows))
        return answered

    def completion_losses(
        self, rows: Sequence[Row], *, check: Check | None = None
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        """See ``Predictor.completion_losses``."""
        if check is not None:
            check()
        self.told += [dict(row) for row in rows]
        return np.array([self._loss(str(row["prompt"]), str(row["completion"])) for row in rows])

    def _predicted(self, given: str) -> Prediction:
        answer = self._answer(given)
        certainty = self._certainty(given) if callable(self._certainty) else self._certainty
        return Prediction(answer, certainty, self._probabilities(answer, certainty))

    def _probabilities(self, answer: str, certainty: float) -> np.ndarray[Any, np.dtype[np.float32]] | None:
        if answer not in self.labels:
            return None
        rest = (1 - certainty) / max(1, len(self.labels) - 1)
        return np.array([certainty if label == answer else rest for label in self.labels], dtype=np.float32)


@dataclass
class Workplace:
    """A bucket, and evaluations run in it."""

    path: Path
    store: DirectoryObjectStore
    contexts: list[RecordingJobContext] = field(default_factory=list)

    def rows(self, name: str, rows: Sequence[Mapping[str, Any]], task_type: TaskType) -> RowsRef:
        """Put rows into the bucket, ids added."""
        given, wanted = ("text", "label") if task_type == "classification" else ("prompt", "completion")
        ids = content_ids([(str(row[given]), str(row[wanted] or "")) for row in rows])
        named = [{"group": row_id, **row, "id": row_id} for row, row_id in zip(rows, ids, strict=True)]
        ref = self.store.put(f"rows/{name}.parquet", to_parquet(frame(named, task_type), task_type))
        return RowsRef(key=ref.key, sha256=ref.sha256, rows=len(rows))

    def model(self) -> ObjectRef:
        """A model manifest with one file, written once."""
        written = find_manifest(self.store, "models/t/0/")
        if written is not None:
            return written[0]
        file = self.store.put("models/t/0/config.json", b"{}")
        return write_manifest(
            self.store, job_key="t/0/training/0", output_prefix="models/t/0/", files={"config.json": file}, facts={}
        )

    def request(self, task_type: TaskType, **fields: Any) -> EvaluateRequest:
        """A request; an iteration's unless told otherwise."""
        purpose = fields.setdefault("purpose", "iteration")
        phase = "final" if purpose == "final" else "evaluation"
        defaults: dict[str, Any] = {
            "job_key": f"t/0/{phase}/{len(self.contexts)}",
            "task_id": "t",
            "iteration": 0,
            "segment": len(self.contexts),
            "seed": 7,
            "output_prefix": f"evaluations/t/{phase}/s{len(self.contexts)}/",
            "model": self.model(),
            "task_type": task_type,
        }
        return EvaluateRequest(**{**defaults, **fields})

    def run(self, request: EvaluateRequest, predictor: Predictor, *, attempt: int = 1) -> EvaluateResult:
        """Run a job; its context is the last of ``contexts``."""
        context = job_context(self.path, request, store=self.store, attempt=attempt)
        self.contexts.append(context)

        def load(directory: Path, _: JobContext) -> Predictor:
            assert (directory / "config.json").is_file()
            return predictor

        return run(context, request, load)

    def written(self, prefix: str) -> dict[str, bytes]:
        """Everything below a prefix, by key."""
        root = self.store.root
        return {
            file.relative_to(root).as_posix(): file.read_bytes()
            for file in sorted((root / prefix).rglob("*"))
            if file.is_file()
        }


_SIGNS = {"+": "+", "−": "-", "×": "*", "÷": "/"}
_STORIES = {"+": "finds {b} more", "−": "loses {b}", "×": "fills {b} bags of as many", "÷": "shares them among {b}"}


def word_problem(random_state: random.Random, operation: str) -> dict[str, Any]:
    """One solved word problem; its operation shows in the worked step and, in other words, in the prompt."""
    a, b = random_state.randint(10, 60), random_state.randint(2, 9)
    if operation == "÷":
        a *= b
    result = {"+": a + b, "−": a - b, "×": a * b, "÷": a // b}[operation]
    name = random_state.choice(["Tom", "Ann", "Bo", "Eve"])
    step = f"{a}{_SIGNS[operation]}{b}"
    return {
        "prompt": f"{name} has {a} pens and {_STORIES[operation].format(b=b)}. How many are there?",
        "completion": f"{step} = <<{step}={result}>>{result}\n#### {result}",
        "answer": str(result),
        "target": f"{step}={result}",
        "source": "original",
        "meta": "{}",
    }


def word_problems(count: int, seed: int) -> list[dict[str, Any]]:
    """Word problems with the four operations in turn; no two with the same operation and numbers."""
    random_state = random.Random(seed)
    found: dict[str, dict[str, Any]] = {}
    while len(found) < count:
        row = word_problem(random_state, "+−×÷"[len(found) % 4])
        found.setdefault(row["target"], row)
    return list(found.values())


def intents(count: int, seed: int, classes: int = 8) -> list[dict[str, Any]]:
    """Distinct short texts whose label shows in the text; no two are near-duplicates."""
    random_state = random.Random(seed)
    verbs, times = ["show", "change", "cancel", "explain"], ["today", "now", "again", "please"]
    return [
        {
            "text": f"{random_state.choice(verbs)} topic{number % classes} {random_state.choice(times)}"
            f" {_word(random_state)} case {seed}x{number}",
            "label": f"topic{number % classes}",
            "source": "original",
            "meta": "{}",
        }
        for number in range(count)
    ]


def _word(random_state: random.Random) -> str:
    return "".join(random_state.choices("abcdefghijklmnopqrstuvwxyz", k=14))
