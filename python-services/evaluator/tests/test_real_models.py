"""The built-in models, trained for seconds, through the job's own way of loading them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluator.job import run
from evaluator.tests.workplace import Workplace, intents, word_problems
from wlops_common.contracts import ObjectRef, TaskType
from wlops_common.errors import ModelUnavailable
from wlops_common.manifest import write_manifest
from wlops_common.testing import job_context
from wlops_ml.maths import equation_target
from wlops_ml.models.catalog import complete_hyperparameters
from wlops_ml.models.learner import Learner


def train(learner: Learner, steps: int, learning_rate: float) -> None:
    import torch

    optimizer = torch.optim.AdamW(learner.module.parameters(), lr=learning_rate)
    draw = torch.Generator().manual_seed(1)
    learner.module.train()
    for _ in range(steps):
        rows = torch.randint(0, learner.sizes["train"], (64,), generator=draw).tolist()
        optimizer.zero_grad()
        loss = learner.loss(rows, "train")
        (loss.total / loss.units).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def saved(workplace: Workplace, learner: Learner, folder: Path) -> ObjectRef:
    folder.mkdir()
    learner.save(folder)
    prefix = "models/t/real/"
    files = {path.name: workplace.store.upload(prefix + path.name, path) for path in sorted(folder.iterdir())}
    return write_manifest(workplace.store, job_key="t/0/training/0", output_prefix=prefix, files=files, facts={})


def evaluated(workplace: Workplace, task_type: TaskType, model: ObjectRef, rows: list[dict[str, Any]]) -> Any:
    half = len(rows) // 2
    refs = {
        "select": workplace.rows("select", rows[:half], task_type),
        "mine": workplace.rows("mine", rows[half:], task_type),
    }
    request = workplace.request(task_type, model=model, **refs)
    return run(job_context(workplace.path, request, store=workplace.store), request)


def test_a_classifier_that_never_saw_a_class_is_told_to_mend_it(workplace: Workplace, tmp_path: Path) -> None:
    from wlops_ml.models.classifier import ClassifierLearner

    rows = intents(400, 1)
    seen = [row for row in rows if row["label"] != "topic5"]
    defaults = complete_hyperparameters("builtin:classifier", "classification", {"hidden_size": 16, "dropout": 0.0})
    learner = ClassifierLearner(seen, [], defaults)
    train(learner, 40, 0.05)
    result = evaluated(workplace, "classification", saved(workplace, learner, tmp_path / "saved"), intents(800, 2))
    assert result.score.value == pytest.approx(0.875, abs=0.01)
    assert "label = topic5" in {found.name for found in result.slices}
    assert {"ece", "brier", "loss", "macro_f1"} == set(result.secondary)


def test_a_small_language_model_is_scored_by_its_answers(workplace: Workplace, tmp_path: Path) -> None:
    from wlops_ml.models.tinygpt import TinyGptLearner

    rows = [{**row, "target": equation_target(row["completion"])} for row in word_problems(1000, 1)]
    seen = [row for row in rows if "/" not in str(row["target"])]
    defaults = complete_hyperparameters("builtin:tinygpt", "generation", {"hidden_size": 32, "layers": 2, "heads": 2})
    learner = TinyGptLearner(seen, [], defaults)
    train(learner, 120, 0.004)
    result = evaluated(workplace, "generation", saved(workplace, learner, tmp_path / "saved"), word_problems(400, 2))
    assert result.score.value == pytest.approx(0.75, abs=0.02)
    assert result.improvements[0].kind == "generate"
    assert result.improvements[0].slice == "operation = ÷"
    assert result.secondary["exact_match_strict"] == result.score.value


def test_a_folder_that_is_no_model_is_refused(workplace: Workplace) -> None:
    with pytest.raises(ModelUnavailable):
        evaluated(workplace, "classification", workplace.model(), intents(40, 1))
