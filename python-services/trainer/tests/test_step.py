"""A step: the same gradients however its rows are batched, and computed as precisely as was asked for."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.plan import TrainingPlan, make_plan
from trainer.step import NotFinite, Stepper
from trainer.tests.support import Jobs, intent_rows
from wlops_ml.models.catalog import complete_hyperparameters
from wlops_ml.models.learner import Learner, LossSum, Role, computes_bfloat16
from wlops_ml.models.tinygpt import TinyGptLearner


class Regression(Learner):
    """A learner of two linear layers over random numbers, whose examples count unequally, as answers of unequal length do."""

    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        torch.manual_seed(1)
        self.module = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4)).to(dtype)
        self.inputs = torch.randn(40, 6, dtype=dtype)
        self.targets = torch.randint(0, 4, (40,))
        self.sizes = {"train": 40, "mine": 0}
        self.seen: list[Tensor] = []

    def units(self, indices: Sequence[int], role: Role) -> int:  # noqa: ARG002
        """Examples count one to three times."""
        return sum(1 + index % 3 for index in indices)

    def loss(self, indices: Sequence[int], role: Role) -> LossSum:  # noqa: ARG002
        """Cross-entropy."""
        rows = [index for index in indices for _ in range(1 + index % 3)]
        logits = self.module(self.inputs[rows])
        self.seen.append(logits.detach())
        return LossSum(functional.cross_entropy(logits, self.targets[rows], reduction="sum"), len(rows))

    def save(self, directory: Path) -> None:
        """A step saves nothing."""
        raise AssertionError(f"saved to {directory}")


def plan(**given: float | bool) -> TrainingPlan:
    settings = {**complete_hyperparameters("qwen-7b", "generation", {}), "learning_rate": 0.01, **given}
    return make_plan(settings, examples=40, tokens=0, seed=1)


@pytest.mark.parametrize("batch_size", [1, 7, 10])
def test_accumulated_gradients_and_loss_are_those_of_the_whole_batch(batch_size: int) -> None:
    whole, parts = Stepper(Regression(), plan()), Stepper(Regression(), plan())
    for rows in (range(20), range(20, 37)):
        expected = whole.take(list(rows), batch_size=20, learning_rate=0.01)
        taken = parts.take(list(rows), batch_size=batch_size, learning_rate=0.01)
        assert taken.units == expected.units
        assert taken.loss == pytest.approx(expected.loss, rel=1e-14)
        assert taken.grad_norm == pytest.approx(expected.grad_norm, rel=1e-13)
        for part, other in zip(parts.learner.module.parameters(), whole.learner.module.parameters(), strict=True):
            assert part.grad is not None
            assert other.grad is not None
            torch.testing.assert_close(part.grad, other.grad, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("max_grad_norm", [0, 0.05])
def test_a_step_is_that_of_a_plain_loop(max_grad_norm: float) -> None:
    ours = Stepper(Regression(), plan(max_grad_norm=max_grad_norm, weight_decay=0.1))
    plain = Regression()
    optimizer = torch.optim.AdamW(plain.parameter_groups(0.1), lr=0.01, betas=(0.9, 0.98))
    for rows in ([1, 2, 3, 4], [5, 6, 7]):
        taken = ours.take(rows, batch_size=4, learning_rate=0.01)
        optimizer.zero_grad()
        loss = plain.loss(rows, "train")
        (loss.total / loss.units).backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(plain.module.parameters(), max_grad_norm) if max_grad_norm else None
        optimizer.step()
        assert taken.grad_norm == (norm and pytest.approx(float(norm), rel=1e-12))
        for our, their in zip(ours.learner.module.parameters(), plain.module.parameters(), strict=True):
            torch.testing.assert_close(our, their, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("max_grad_norm", [0, 0.05])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("spoilt", range(4))
def test_a_step_with_one_gradient_that_is_not_finite_changes_nothing_and_the_next_one_is_taken(
    max_grad_norm: float, value: float, spoilt: int
) -> None:
    stepper = Stepper(Regression(), plan(max_grad_norm=max_grad_norm))
    parameters = list(stepper.learner.module.parameters())
    before = [parameter.detach().clone() for parameter in parameters]
    hook = parameters[spoilt].register_hook(lambda gradient: gradient.index_fill(0, torch.tensor([1]), value))  # type: ignore[no-untyped-call]
    with pytest.raises(NotFinite, match="gradient became"):
        stepper.take([1, 2], batch_size=2, learning_rate=0.01)
    assert all(torch.equal(parameter, old) for parameter, old in zip(parameters, before, strict=True))
    hook.remove()
    stepper.take([1, 2], batch_size=2, learning_rate=0.01)
    assert not any(torch.equal(parameter, old) for parameter, old in zip(parameters, before, strict=True))


def test_units_are_told_before_the_loss_is_computed() -> None:
    rows = [
        {"prompt": f"Anna has {n} apples and buys {n + 3}. How many?", "completion": f"{n}+{n + 3}={2 * n + 3} zq{n}"}
        for n in range(1, 9)
    ]
    learner = TinyGptLearner(rows, [], complete_hyperparameters("builtin:tinygpt", "generation", {}))
    for indices in ([0], [3, 1], range(8)):
        assert learner.units(indices, "train") == learner.loss(indices, "train").units


def test_a_cpu_computes_in_32_bits_whatever_was_asked_for(jobs: Jobs) -> None:
    assert computes_bfloat16() is torch.cuda.is_available()
    result = jobs.train(jobs.request(intent_rows(40), epochs=1))
    assert result.precision == "float32"
    assert result.device == ("cuda" if torch.cuda.is_available() else "cpu")


def test_mixed_precision_computes_in_bfloat16_and_keeps_weights_and_optimizer_in_32_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trainer.step.computes_bfloat16", lambda: True)
    learner = Regression(torch.float32)
    exact = copy.deepcopy(learner)
    mixed, full = Stepper(learner, plan(mixed_precision=True)), Stepper(exact, plan(mixed_precision=False))
    assert mixed.uses_bfloat16
    assert not full.uses_bfloat16
    for _ in range(3):
        rough = mixed.take(list(range(40)), batch_size=40, learning_rate=0.01)
        precise = full.take(list(range(40)), batch_size=40, learning_rate=0.01)
        assert rough.loss == pytest.approx(precise.loss, rel=0.02)
        assert rough.loss != precise.loss
    assert {tensor.dtype for tensor in learner.seen} == {torch.bfloat16}
    assert {tensor.dtype for tensor in exact.seen} == {torch.float32}
    assert {parameter.dtype for parameter in learner.module.parameters()} == {torch.float32}
    moments = [value for state in mixed.optimizer.state.values() for value in state.values()]
    assert {moment.dtype for moment in moments} == {torch.float32}
