"""Paused anywhere, however often, or killed: a training ends with the weights and figures of one that nobody disturbed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trainer.checkpoint import Checkpoints
from trainer.job import run
from trainer.loop import Training
from trainer.tests.support import Jobs, intent_rows, without_times
from trainer.tests.test_word_problems import problems
from trainer.tests.tiny_qwen import capital_rows
from wlops_common.contracts import ObjectRef, TaskType, TrainRequest, TrainResult
from wlops_common.job_context import JobInterrupted
from wlops_common.manifest import read_manifest

# PEFT 0.21 still asks by the old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

OrderAfter = Callable[[int, str], Callable[[], str | None]]

#: 48 rows in steps of 8, 12 rows of mine in batches of 8, three epochs.
STEPS_PER_EPOCH, MINE_BATCHES, STEPS = 6, 2, 18
#: Steps after which an epoch ends, to be paused in before its losses are told.
IN_MINE = {-epoch * STEPS_PER_EPOCH for epoch in (1, 2, 3)}
BEFORE_THE_FIRST_STEP, SAVING_THE_MODEL = 0, STEPS + 1


@dataclass(frozen=True)
class Kind:
    """What is trained."""

    model: str
    task_type: TaskType
    train: list[dict[str, Any]]
    mine: list[dict[str, Any]]
    settings: dict[str, Any]

    def request(self, jobs: Jobs, segment: int = 0, resume_from: ObjectRef | None = None) -> TrainRequest:
        return jobs.request(
            self.train,
            self.mine,
            model=self.model,
            task_type=self.task_type,
            segment=segment,
            resume_from=resume_from,
            epochs=3,
            batch_size=8,
            early_stopping_patience=9,
            **self.settings,
        )


KINDS = {
    "classifier": Kind(
        "builtin:classifier",
        "classification",
        intent_rows(48),
        intent_rows(12, seed=2),
        {"hidden_size": 16, "dropout": 0.3},
    ),
    "tinygpt": Kind(
        "builtin:tinygpt",
        "generation",
        problems(48, 1),
        problems(12, 2),
        {"hidden_size": 32, "layers": 2, "heads": 2, "dropout": 0.1},
    ),
    "lora": Kind(
        "local:tiny",
        "generation",
        capital_rows(8),
        capital_rows(2),
        {"fine_tuning": "lora", "learning_rate": 0.01, "lora_dropout": 0.1},
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def expected(kind: Kind, tiny_qwen: Jobs, tmp_path: Path) -> tuple[TrainResult, list[dict[str, Any]]]:
    """Result and step file of an undisturbed training."""
    whole = Jobs(tmp_path / "whole")
    whole.models_dir = tiny_qwen.models_dir
    return figures(whole, whole.train(kind.request(whole)))


def figures(jobs: Jobs, result: TrainResult) -> tuple[TrainResult, list[dict[str, Any]]]:
    """What two runs must have in common: all but times."""
    lines = jobs.store.read(read_manifest(jobs.store, result.model).file("metrics.jsonl")).splitlines()
    parsed = [json.loads(line) for line in lines]
    return without_times(result), [{name: line[name] for name in line if name != "seconds"} for line in parsed]


def looks_before(pause: int, start: int, *, owes_mine: bool) -> int:
    """How often the job looks for orders before it is paused after step ``pause``, when it goes on from step ``start``.

    Twice before the first step, after each step, before each batch of mine. A negative step is paused amid its epoch's mine.
    """
    if pause == BEFORE_THE_FIRST_STEP:
        return 1
    owed = MINE_BATCHES if owes_mine else 0
    if pause == SAVING_THE_MODEL:
        return 2 + owed + (STEPS - start) + MINE_BATCHES * (STEPS // STEPS_PER_EPOCH - start // STEPS_PER_EPOCH)
    step = abs(pause)
    ended = step // STEPS_PER_EPOCH - start // STEPS_PER_EPOCH
    if pause < 0:
        return 2 + owed + (step - 1 - start) + MINE_BATCHES * (ended - 1) + 1
    return 2 + owed + (step - 1 - start) + MINE_BATCHES * ended


@pytest.mark.parametrize(
    "pauses",
    [
        [1],
        [4],
        [9],
        [6],
        [17],
        [STEPS],
        [SAVING_THE_MODEL],
        [-6],
        [-12],
        [-18],
        [BEFORE_THE_FIRST_STEP, 1, 2, -6, BEFORE_THE_FIRST_STEP, 9, 12, -18, SAVING_THE_MODEL],
        list(range(1, STEPS + 2)),
    ],
    ids=lambda pauses: ",".join(map(str, pauses)),
)
def test_a_training_paused_anywhere_ends_as_if_it_had_not_been(
    tiny_qwen: Jobs,
    kind: Kind,
    order_after: OrderAfter,
    expected: tuple[TrainResult, list[dict[str, Any]]],
    pauses: list[int],
) -> None:
    start, owes_mine = 0, False
    resume_from: ObjectRef | None = None
    for segment, pause in enumerate(pauses):
        request = kind.request(tiny_qwen, segment, resume_from)
        context = tiny_qwen.context(request)
        context.recorder.order = order_after(looks_before(pause, start, owes_mine=owes_mine), "pause")
        with pytest.raises(JobInterrupted, match="pause") as stop:
            run(context, request)
        if pause == BEFORE_THE_FIRST_STEP:
            assert stop.value.result == (None if resume_from is None else {"checkpoint": resume_from.to_json()})
            continue
        assert stop.value.result is not None
        start, owes_mine = min(abs(pause), STEPS), pause in IN_MINE
        assert stop.value.result["step"] == start
        resume_from = ObjectRef.model_validate(stop.value.result["checkpoint"])
    result = tiny_qwen.train(kind.request(tiny_qwen, len(pauses), resume_from))
    assert figures(tiny_qwen, result) == expected


@pytest.mark.parametrize("died_after", [3, 9, 16])
def test_a_training_that_died_between_two_checkpoints_ends_as_if_it_had_not(
    tiny_qwen: Jobs,
    kind: Kind,
    monkeypatch: pytest.MonkeyPatch,
    expected: tuple[TrainResult, list[dict[str, Any]]],
    died_after: int,
) -> None:
    request = kind.request(tiny_qwen)

    def save_or_die(checkpoints: Checkpoints, training: Training) -> None:
        if training.position.step == died_after - 1:
            checkpoints.save(training)
        if training.position.step == died_after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save_if_due", save_or_die)
        with pytest.raises(KeyboardInterrupt):
            run(tiny_qwen.context(request), request)
    context = tiny_qwen.context(request, attempt=2)
    result = run(context, request)
    continued = [line["step"] for line in context.recorder.log if line["message"] == "training continues"]
    assert continued == [died_after - 1]
    assert figures(tiny_qwen, result) == expected


def test_an_attempt_that_is_paused_before_it_trains_hands_over_what_an_earlier_one_has_saved(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, order_after: OrderAfter
) -> None:
    kind = KINDS["classifier"]
    request = kind.request(jobs)

    def save_and_die(checkpoints: Checkpoints, training: Training) -> None:
        checkpoints.save(training)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save_if_due", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            run(jobs.context(request), request)
    context = jobs.context(request, attempt=2)
    context.recorder.order = order_after(0, "pause")
    with pytest.raises(JobInterrupted, match="pause") as stop:
        run(context, request)
    assert stop.value.result is not None
    assert stop.value.result["checkpoint"]["key"] == "models/task_1/0/s0/attempt-1/checkpoint-1/manifest.json"
