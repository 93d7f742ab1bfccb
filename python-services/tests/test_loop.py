"""One turn of the loop through all three services: findings bring pool rows into training, and nothing that is held out."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data_optimizer.tests.workplace import Workplace, sentences
from evaluator.job import run as evaluate
from trainer.job import run as train
from wlops_common.contracts import EvaluateRequest, EvaluateResult, OptimizeResult, TrainRequest
from wlops_common.testing import job_context


def _messages(texts: list[str]) -> bytes:
    """A CSV in which two words, far apart, tell the label, so that few rows do not teach it."""
    subjects, places = (sorted({text.split()[at] for text in texts}) for at in (1, 3))
    labels = [(3 * subjects.index(text.split()[1]) + places.index(text.split()[3])) % 8 for text in texts]
    return ("text,label\n" + "".join(f"{text},c{label}\n" for text, label in zip(texts, labels, strict=True))).encode()


def _scored(workplace: Workplace, rows: OptimizeResult) -> EvaluateResult:
    common = {"task_id": "task_1", "iteration": 0, "segment": 0, "seed": 7, "task_type": rows.task_type}
    asked = TrainRequest(
        job_key="task_1/0/training/0",
        output_prefix="models/0/",
        model_name="builtin:classifier",
        hyperparameters={"epochs": 3},
        train=rows.train,
        mine=rows.mine,
        **common,
    )
    model = train(job_context(workplace.root, asked, store=workplace.store), asked).model
    request = EvaluateRequest(
        job_key="task_1/0/evaluation/0",
        output_prefix="evaluations/0/",
        purpose="iteration",
        model=model,
        train=rows.train,
        mine=rows.mine,
        select=rows.select,
        **common,
    )
    return evaluate(job_context(workplace.root, request, store=workplace.store), request)


def test_findings_bring_pool_rows_into_training_and_nothing_that_is_held_out(tmp_path: Path) -> None:
    workplace = Workplace(tmp_path)
    texts = sentences(500, 71)
    files = {"source": _messages(texts[:250]), "pool": _messages(texts[250:])}
    first = workplace.optimise(files)
    found = _scored(workplace, first)
    assert found.score.value < 0.9
    assert "select" in {one.kind for one in found.improvements}

    later = workplace.optimise(files, 1, split=first.split, recipe=first.recipe, feedback=found.improvements_file)
    rows = workplace.rows(later.train)
    selected = rows.filter(pl.col("source") == "select")
    assert selected.height >= 30
    assert set(selected["id"]) <= set(workplace.rows(first.pool)["id"])
    assert set(selected["id"]).isdisjoint(workplace.rows(later.pool)["id"])
    for role in (first.mine, first.select, first.test):
        held_out = workplace.rows(role)
        assert set(rows["text"]).isdisjoint(held_out["text"])
        assert set(rows["group"]).isdisjoint(held_out["group"])
    assert (later.select, later.test) == (first.select, first.test)
