"""Weights are sound, and worth a checkpoint, while their loss is finite and has not exploded."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch

from trainer.checkpoint import Checkpoints
from trainer.loop import Training, _epoch_order
from trainer.tests.support import Jobs, checkpoint_of, diverge, intent_rows, pause
from wlops_ml.models.classifier import ClassifierLearner
from wlops_ml.models.learner import LossSum

SETTINGS: dict[str, Any] = {"batch_size": 16, "epochs": 2, "hidden_size": 16}
#: Finite, and yet the product of two of them is not.
HUGE = 1e30


@pytest.fixture
def save_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a checkpoint be due after each step."""
    monkeypatch.setattr(Checkpoints, "__post_init__", lambda _: None)
    monkeypatch.setattr("trainer.checkpoint._MAX_SAVING_SHARE", 1e9)
    monkeypatch.setattr("trainer.checkpoint.time.monotonic", iter(range(0, 10**9, 1000)).__next__)


def break_weights(monkeypatch: pytest.MonkeyPatch, step: int, value: float) -> None:
    """Let all weights become ``value`` in that step, which is taken."""
    take = Training._take

    def taken(training: Training, rows: list[int]) -> Any:
        answer = take(training, rows)
        if training.position.step == step - 1:
            with torch.no_grad():
                for parameter in training.learner.module.parameters():
                    parameter.fill_(value)
        return answer

    monkeypatch.setattr(Training, "_take", taken)


def explode(monkeypatch: pytest.MonkeyPatch, when: Callable[[int], bool]) -> None:
    """Let all weights grow 100,000-fold in these steps (from 1), which are taken: as with far too high a learning rate."""
    take = Training._take

    def taken(training: Training, rows: list[int]) -> Any:
        answer = take(training, rows)
        if when(training.position.step + 1):
            with torch.no_grad():
                for parameter in training.learner.module.parameters():
                    parameter.mul_(-1e5)
        return answer

    monkeypatch.setattr(Training, "_take", taken)


def spoil(monkeypatch: pytest.MonkeyPatch, value: float, when: Callable[[list[int], str], bool]) -> None:
    """Multiply the loss of these rows in this role."""
    loss = ClassifierLearner.loss

    def spoilt(learner: ClassifierLearner, indices: list[int], role: str) -> LossSum:
        given = loss(learner, indices, role)  # type: ignore[arg-type]
        return LossSum(given.total * value, given.units) if when(indices, role) else given

    monkeypatch.setattr(ClassifierLearner, "loss", spoilt)


def spoil_mine(monkeypatch: pytest.MonkeyPatch, value: float, *, epoch: int) -> None:
    """Multiply the loss on mine from that epoch (from 1) on."""
    looks = iter(range(1, 100))
    spoil(monkeypatch, value, lambda _, role: role == "mine" and next(looks) >= epoch)


@pytest.mark.parametrize("value", [HUGE, float("inf")])
@pytest.mark.usefixtures("save_each_step")
def test_weights_that_give_no_finite_loss_are_not_saved_although_they_may_be_finite(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    break_weights(monkeypatch, 6, value)
    fault = diverge(jobs, jobs.request(intent_rows(160), checkpoint_interval_seconds=1, **SETTINGS))
    assert fault.details is not None
    assert fault.details["step"] == 7
    assert "checkpoint-5/" in checkpoint_of(fault).key
    assert not [key for key in jobs.stored_keys() if "checkpoint-6/" in key]


@pytest.mark.usefixtures("save_each_step")
def test_weights_whose_loss_explodes_from_step_to_step_displace_no_checkpoint(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    explode(monkeypatch, lambda step: step >= 4)
    request = jobs.request(intent_rows(160), checkpoint_interval_seconds=1, **SETTINGS)
    fault = diverge(jobs, request)
    assert fault.details is not None
    assert fault.details["step"] > 5
    assert "checkpoint-3/" in checkpoint_of(fault).key
    kept = {key.split("/")[5] for key in jobs.stored_keys() if "/checkpoint-" in key}
    assert kept == {"checkpoint-2", "checkpoint-3"}


@pytest.mark.usefixtures("save_each_step")
def test_a_training_that_was_paused_with_an_exploded_loss_knows_the_last_sound_checkpoint_before(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, order_after: Callable[[int, str], Callable[[], str | None]]
) -> None:
    explode(monkeypatch, lambda step: step == 4)
    resume_from = None
    for segment, (looks, paused_after) in enumerate([(6, 5), (3, 7)]):
        request = jobs.request(
            intent_rows(160), segment=segment, resume_from=resume_from, checkpoint_interval_seconds=1, **SETTINGS
        )
        resume_from = pause(jobs, request, order_after(looks, "pause"))
        assert f"checkpoint-{paused_after}/" in resume_from.key
    spoil(monkeypatch, float("nan"), lambda *_: True)
    fault = diverge(jobs, jobs.request(intent_rows(160), segment=2, resume_from=resume_from, **SETTINGS))
    last = checkpoint_of(fault)
    assert "/s0/attempt-1/checkpoint-3/" in last.key
    assert jobs.store.get(last.key) is not None


def test_without_an_older_checkpoint_there_is_none(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    break_weights(monkeypatch, 6, HUGE)
    fault = diverge(jobs, jobs.request(intent_rows(160), **SETTINGS))
    assert fault.message.endswith("There is no good checkpoint.")
    assert fault.details is not None
    assert fault.details["checkpoint"] is None


@pytest.mark.parametrize(("broken", "is_named"), [(6, True), (4, False)])
def test_it_may_be_the_checkpoint_the_training_went_on_from_if_a_step_was_taken_from_there(
    jobs: Jobs,
    monkeypatch: pytest.MonkeyPatch,
    order_after: Callable[[int, str], Callable[[], str | None]],
    broken: int,
    is_named: bool,
) -> None:
    break_weights(monkeypatch, broken, HUGE)
    request = jobs.request(intent_rows(160), **SETTINGS)
    paused_at = pause(jobs, request, order_after(5, "pause"))
    assert "checkpoint-4/" in paused_at.key
    fault = diverge(jobs, jobs.request(intent_rows(160), segment=1, resume_from=paused_at, **SETTINGS))
    assert fault.details is not None
    assert fault.details["checkpoint"] == (paused_at.to_json() if is_named else None)


def test_a_batch_that_gives_no_finite_loss_with_any_weights_does_not_speak_against_them(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = _epoch_order(7, 0, 160)[4 * 16]
    spoil(monkeypatch, float("nan"), lambda rows, role: role == "train" and hostile in rows)
    fault = diverge(jobs, jobs.request(intent_rows(160), **SETTINGS))
    assert fault.details is not None
    assert fault.details["step"] == 5
    assert "checkpoint-4/" in checkpoint_of(fault).key


@pytest.mark.parametrize("patience", [0, 1])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.usefixtures("save_each_step")
def test_a_loss_on_mine_that_is_not_finite_stops_with_the_checkpoint_before(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, value: float, patience: int
) -> None:
    spoil_mine(monkeypatch, value, epoch=2)
    request = jobs.request(
        intent_rows(160), intent_rows(10), checkpoint_interval_seconds=1, early_stopping_patience=patience, **SETTINGS
    )
    fault = diverge(jobs, request)
    assert fault.message.startswith(f"The loss on mine became {value} at step 20, with learning rate ")
    assert fault.details is not None
    assert fault.details["step"] == 20
    assert fault.details["field"] == "hyperparameters.learning_rate"
    checkpoint = checkpoint_of(fault)
    assert "checkpoint-19/" in checkpoint.key
    steps = (jobs.store.root / checkpoint.key).with_name("metrics.jsonl").read_text().splitlines()
    assert [line["mineLoss"] for line in map(json.loads, steps) if "mineLoss" in line] == [
        pytest.approx(1.3, abs=0.1),
    ]


def test_a_loss_on_mine_that_is_not_finite_in_the_first_epoch_has_none(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_mine(monkeypatch, float("nan"), epoch=1)
    fault = diverge(jobs, jobs.request(intent_rows(160), intent_rows(10), **SETTINGS))
    assert fault.details is not None
    assert fault.details["step"] == 10
    assert fault.details["checkpoint"] is None
    assert fault.message.endswith("Try a lower learning rate. There is no good checkpoint.")
