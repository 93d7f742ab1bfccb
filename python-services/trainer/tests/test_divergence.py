"""A training whose numbers go wrong stops where they were still right, and can go on from there more carefully."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from trainer.job import run
from trainer.tests.support import Jobs, checkpoint_of, diverge, intent_rows
from wlops_common.errors import ArtifactChanged
from wlops_ml.models.classifier import ClassifierLearner
from wlops_ml.models.learner import LossSum
from wlops_ml.models.weights import load_weights

SETTINGS: dict[str, Any] = {"batch_size": 16, "epochs": 2, "hidden_size": 16}


def spoil(monkeypatch: pytest.MonkeyPatch, step: int, factor: float) -> None:
    """Multiply the loss of one step, whatever the learning rate."""
    loss, calls = ClassifierLearner.loss, iter(range(1, 10_000))

    def spoilt(learner: ClassifierLearner, indices: list[int], role: str) -> LossSum:
        given = loss(learner, indices, role)  # type: ignore[arg-type]
        return LossSum(given.total * factor, given.units) if next(calls) == step else given

    monkeypatch.setattr(ClassifierLearner, "loss", spoilt)


def test_a_loss_that_is_not_finite_stops_with_a_checkpoint_of_the_step_before(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 5, float("nan"))
    fault = diverge(jobs, jobs.request(intent_rows(160), **SETTINGS))
    checkpoint = checkpoint_of(fault)
    assert "checkpoint-4/" in checkpoint.key
    assert fault.message == (
        "The loss became nan at step 5, with learning rate 0.00253. Try a lower learning rate. "
        f"The last good checkpoint is {checkpoint.key}."
    )
    assert fault.details is not None
    assert fault.details["step"] == 5
    assert fault.details["learningRate"] == pytest.approx(0.003, rel=0.2)
    assert fault.details["field"] == "hyperparameters.learning_rate"
    weights = load_weights((jobs.store.root / checkpoint.key).with_name("model.safetensors"))
    assert all(bool(tensor.isfinite().all()) for tensor in weights.values())


@pytest.mark.parametrize("max_grad_norm", [0, 1])
def test_a_gradient_that_is_not_finite_stops_before_it_reaches_the_weights(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, max_grad_norm: float
) -> None:
    loss = ClassifierLearner.loss

    class SpoilsGradient(torch.autograd.Function):
        @staticmethod
        def forward(_: Any, given: torch.Tensor) -> torch.Tensor:
            return given.clone()

        @staticmethod
        def backward(_: Any, *gradients: torch.Tensor) -> torch.Tensor:
            return gradients[0] * float("inf")

    calls = iter(range(1, 10_000))

    def spoilt(learner: ClassifierLearner, indices: list[int], role: str) -> LossSum:
        given = loss(learner, indices, role)  # type: ignore[arg-type]
        total: Any = SpoilsGradient.apply(given.total) if next(calls) == 4 else given.total
        return LossSum(total, given.units)

    monkeypatch.setattr(ClassifierLearner, "loss", spoilt)
    fault = diverge(jobs, jobs.request(intent_rows(160), max_grad_norm=max_grad_norm, **SETTINGS))
    assert fault.message.startswith("The gradient became ")
    assert "checkpoint-3/" in checkpoint_of(fault).key


def test_a_first_step_that_cannot_be_taken_has_no_checkpoint(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, 1, float("inf"))
    fault = diverge(jobs, jobs.request(intent_rows(160), **SETTINGS))
    assert fault.message.endswith("There is no good checkpoint.")
    assert fault.details is not None
    assert fault.details["checkpoint"] is None


def test_it_goes_on_from_the_last_good_checkpoint_as_if_the_bad_step_had_never_been_tried(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    whole = Jobs(tmp_path / "whole")
    expected = whole.train(whole.request(intent_rows(160), **SETTINGS))
    spoil(monkeypatch, 5, float("nan"))
    checkpoint = checkpoint_of(diverge(jobs, jobs.request(intent_rows(160), **SETTINGS)))
    resumed = jobs.train(jobs.request(intent_rows(160), segment=1, resume_from=checkpoint, **SETTINGS))
    assert resumed.weights_sha256 == expected.weights_sha256


def test_it_goes_on_with_a_lower_learning_rate_but_not_with_other_steps(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 5, float("nan"))
    checkpoint = checkpoint_of(diverge(jobs, jobs.request(intent_rows(160), **SETTINGS)))
    careful = jobs.request(
        intent_rows(160), segment=1, resume_from=checkpoint, learning_rate=0.0005, max_grad_norm=1, **SETTINGS
    )
    context = jobs.context(careful)
    result = run(context, careful)
    assert result.steps == 20
    line = next(line for line in context.recorder.log if line["message"] == "training continues")
    assert line["step"] == 4
    assert line["changed"] == ["learning_rate", "max_grad_norm"]
    with pytest.raises(ArtifactChanged, match=r"other batch_size, epochs\."):
        jobs.train(
            jobs.request(
                intent_rows(160), segment=2, resume_from=checkpoint, **(SETTINGS | {"batch_size": 8, "epochs": 3})
            )
        )
