"""One turn of the loop through all three services: findings bring pool rows into training, and nothing that is held out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from data_optimizer.tests.workplace import Workplace, sentences
from evaluator.job import run as evaluate
from trainer.job import run as train
from wlops_common.contracts import ChampionOutcomes, EvaluateRequest, EvaluateResult, OptimizeResult, TrainRequest
from wlops_common.testing import job_context


def _messages(texts: list[str]) -> bytes:
    """A CSV in which two words, far apart, tell the label, so that few rows do not teach it."""
    subjects, places = (sorted({text.split()[at] for text in texts}) for at in (1, 3))
    labels = [(3 * subjects.index(text.split()[1]) + places.index(text.split()[3])) % 8 for text in texts]
    return ("text,label\n" + "".join(f"{text},c{label}\n" for text, label in zip(texts, labels, strict=True))).encode()


def _replies(texts: list[str]) -> bytes:
    """JSONL in which each message is answered in two sentences that take up words of it."""
    rows = []
    for text in texts:
        subject, place, matter = (text.split()[at] for at in (1, 3, 4))
        reply = f"We are sorry about your {subject}.\nA colleague from {place} will write about the {matter} tomorrow."
        rows.append(json.dumps({"prompt": text, "completion": reply}))
    return "\n".join(rows).encode()


def _scored(
    workplace: Workplace,
    rows: OptimizeResult,
    iteration: int = 0,
    *,
    model_name: str = "builtin:classifier",
    hyperparameters: dict[str, Any] | None = None,
    **asked_for: Any,
) -> EvaluateResult:
    common = {"task_id": "task_1", "iteration": iteration, "segment": 0, "seed": 7, "task_type": rows.task_type}
    asked = TrainRequest(
        job_key=f"task_1/{iteration}/training/0",
        output_prefix=f"models/{iteration}/",
        model_name=model_name,
        hyperparameters=hyperparameters or {"epochs": 3},
        train=rows.train,
        mine=rows.mine,
        **common,
    )
    model = train(job_context(workplace.root, asked, store=workplace.store), asked).model
    request = EvaluateRequest(
        job_key=f"task_1/{iteration}/evaluation/0",
        output_prefix=f"evaluations/{iteration}/",
        purpose="iteration",
        model=model,
        train=rows.train,
        mine=rows.mine,
        select=rows.select,
        **asked_for,
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


def test_a_loop_over_free_text_learns_by_the_loss_what_no_exact_match_could_tell(tmp_path: Path) -> None:
    workplace = Workplace(tmp_path)
    texts = sentences(500, 71)
    files = {"source": _replies(texts[:250]), "pool": _replies(texts[250:])}
    settings: dict[str, Any] = {
        "model_name": "builtin:tinygpt",
        "hyperparameters": {"hidden_size": 32, "layers": 2, "heads": 2, "epochs": 4},
        "metric": "loss",
        "sealed_prefix": "evaluations/task_1/sealed/",
    }
    first = workplace.optimise(files, metric="loss")
    found = _scored(workplace, first, **settings)
    assert not found.metric.higher_is_better
    assert found.outcomes is not None
    assert {one.slice for one in found.improvements} == {"all rows"}

    later = workplace.optimise(files, 1, split=first.split, recipe=first.recipe, feedback=found.improvements_file)
    assert later.train.rows > first.train.rows
    champion = ChampionOutcomes(iteration=0, outcomes=found.outcomes)
    better = _scored(workplace, later, 1, champion=champion, **settings)
    assert better.score.high < found.score.low
    assert better.comparison is not None
    assert better.comparison.high < 0
    # By right and wrong there was nothing to see.
    assert (better.comparison.gained, better.comparison.lost) == (0, 0)
