"""The built-in transformer on word problems: it learns what it has seen, for all numbers, and not what it has not."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from trainer.tests.support import Jobs
from wlops_ml.models.base import Prediction

NAMES = ["Anna", "Ben", "Carla", "David", "Ella", "Finn", "Grace", "Hugo"]
THINGS = ["apples", "books", "coins", "stamps", "marbles", "pencils", "cards", "shells"]
KINDS = ("add", "take", "times", "packs and more")


def problem(draw: random.Random, kind: str, largest: int = 60) -> dict[str, Any]:
    """One problem with its worked answer and the equations a small model learns."""
    name, other = draw.sample(NAMES, 2)
    thing = draw.choice(THINGS)
    a, b, c = draw.randint(2, largest), draw.randint(2, largest), draw.randint(2, 20)
    if kind == "add":
        prompt, steps = f"{name} has {a} {thing} and buys {b} more. How many are there now?", [f"{a}+{b}={a + b}"]
    elif kind == "take":
        prompt = f"{name} had {a + b} {thing} and gave {b} to {other}. How many {thing} are left?"
        steps = [f"{a + b}-{b}={a}"]
    elif kind == "times":
        prompt, steps = f"{name} buys {c} boxes with {b} {thing} each. How many is that?", [f"{c}*{b}={c * b}"]
    elif kind == "packs and more":
        prompt = f"{name} buys {c} packs of {b} {thing} and finds {a} more. How many {thing} does {name} have?"
        steps = [f"{c}*{b}={c * b}", f"{c * b}+{a}={c * b + a}"]
    else:
        prompt, steps = (
            f"{name} shares {b * c} {thing} among {c} friends. How many does each get?",
            [f"{b * c}/{c}={b}"],
        )
    answer = steps[-1].split("=")[1]
    worked = " ".join(f"So {step.split('=')[0]} = <<{step}>>{step.split('=')[1]} {thing}." for step in steps)
    return {"prompt": prompt, "completion": f"{worked}\n#### {answer}", "answer": answer, "target": ";".join(steps)}


def problems(count: int, seed: int, kinds: tuple[str, ...] = KINDS, **options: int) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    return [problem(draw, draw.choice(kinds), **options) for _ in range(count)]


def accuracy(predictions: list[Prediction], rows: list[dict[str, Any]]) -> float:
    right = sum(p.text.split("#### ")[-1] == str(row["answer"]) for p, row in zip(predictions, rows, strict=True))
    return right / len(rows)


def test_it_solves_problems_of_the_kinds_it_has_seen_with_numbers_it_has_not_and_none_of_another_kind(
    jobs: Jobs,
) -> None:
    result = jobs.train(jobs.request(problems(700, 1), model="builtin:tinygpt", task_type="generation", epochs=14))
    predictor = jobs.predictor(result)
    seen = problems(300, 2)
    started = time.process_time()
    predictions = predictor.predict(seen)
    assert time.process_time() - started < 5
    assert accuracy(predictions, seen) >= 0.97
    larger = problems(100, 3, largest=9000)
    assert accuracy(predictor.predict(larger), larger) >= 0.9
    unseen = problems(100, 4, kinds=("share",))
    assert accuracy(predictor.predict(unseen), unseen) <= 0.1
    assert predictions[0].text.splitlines()[-1].startswith("#### ")
    assert predictor.labels == ()


def test_without_targets_it_writes_the_worked_answer_as_the_rows_have_it(jobs: Jobs) -> None:
    rows = [{**row, "target": None} for row in problems(300, 1, kinds=("add", "times"))]
    result = jobs.train(jobs.request(rows, model="builtin:tinygpt", task_type="generation", epochs=12))
    test = problems(50, 2, kinds=("add", "times"))
    predictions = jobs.predictor(result).predict(test)
    assert sum(p.text == row["completion"] for p, row in zip(predictions, test, strict=True)) >= 45


def test_training_is_bounded_by_max_steps_whatever_the_epochs(jobs: Jobs) -> None:
    result = jobs.train(
        jobs.request(problems(64, 1), model="builtin:tinygpt", task_type="generation", epochs=1000, max_steps=7)
    )
    assert result.steps == 7


def test_the_same_rows_get_the_same_answers_in_any_batch(jobs: Jobs) -> None:
    result = jobs.train(jobs.request(problems(200, 1), model="builtin:tinygpt", task_type="generation", epochs=6))
    predictor = jobs.predictor(result)
    rows = problems(40, 2)
    together = [prediction.text for prediction in predictor.predict(rows)]
    alone = [predictor.predict([row])[0].text for row in rows]
    assert together == alone
    assert predictor.predict([]) == []


def test_a_check_that_raises_stops_prediction(jobs: Jobs) -> None:
    result = jobs.train(jobs.request(problems(40, 1), model="builtin:tinygpt", task_type="generation", max_steps=2))

    def stop() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        jobs.predictor(result).predict(problems(5, 2), check=stop)
