"""The training loop, the same for every model: order of the data, loss, gradient, AdamW step, and nothing hidden.

Everything that decides the next step lies in ``Training`` (weights, optimizer, random generators, position), so that saving and
restoring it gives the same weights, bit for bit on the CPU. Not here: where checkpoints go (``checkpoint``), and who is told
about progress (``job``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from trainer.metrics import StepMetrics
from trainer.plan import TrainingPlan
from wlops_common.errors import TrainingDiverged
from wlops_ml.models.learner import Learner, Role, device

_BETAS = (0.9, 0.98)
_EVALUATION_BATCH = 128


@dataclass
class Position:
    """Where training stands; JSON-ready fields only."""

    step: int = 0
    #: Sum of losses (nats) and of units over the epoch in progress, and the mean of the last finished one.
    epoch_loss: float = 0.0
    epoch_units: int = 0
    train_loss: float | None = None
    mine_loss: float | None = None
    best_mine_loss: float | None = None
    best_step: int = 0
    epochs_without_gain: int = 0
    stopped_early: bool = False


@dataclass
class Training:
    """A training in progress."""

    learner: Learner
    plan: TrainingPlan
    metrics: StepMetrics
    position: Position = field(default_factory=Position)
    #: Weights with the lowest loss on mine; kept only when early stopping was asked for.
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the optimizer over the learner's trainable parameters."""
        self.optimizer = torch.optim.AdamW(
            self.learner.parameter_groups(self.plan.weight_decay), lr=self.plan.learning_rate, betas=_BETAS, fused=True
        )

    @property
    def is_done(self) -> bool:
        """Whether no step is left."""
        return self.position.stopped_early or self.position.step >= self.plan.total_steps

    @property
    def epoch(self) -> int:
        """Number of the epoch in progress, from 0."""
        return self.position.step // self.plan.steps_per_epoch

    def run(self, after_step: Callable[[float], None]) -> None:
        """Train to the end. ``after_step`` gets each step's loss; what it raises leaves the training between two steps.

        Raises:
            TrainingDiverged: The loss became NaN or infinite; the weights are those before that step.
        """
        self.learner.module.train()
        self.metrics.start()
        order = self._epoch_order()
        while not self.is_done:
            done = self.position.step % self.plan.steps_per_epoch
            start = done * self.plan.rows_per_step
            loss = self._step(order[start : start + self.plan.rows_per_step])
            if self.position.step % self.plan.steps_per_epoch == 0 or self.position.step == self.plan.total_steps:
                self._end_epoch()
                order = self._epoch_order()
            after_step(loss)
        if self.best_weights:
            restore_weights(self.learner, self.best_weights)
            self.position.mine_loss = self.position.best_mine_loss

    def evaluate(self) -> float | None:
        """Mean loss in nats on the rows set aside; None when there are none."""
        size = self.learner.sizes["mine"]
        if size == 0:
            return None
        self.learner.module.eval()
        total, units = 0.0, 0
        with torch.inference_mode(), self._autocast():
            for start in range(0, size, _EVALUATION_BATCH):
                loss = self.learner.loss(range(start, min(start + _EVALUATION_BATCH, size)), "mine")
                total, units = total + float(loss.total), units + loss.units
        self.learner.module.train()
        return total / max(units, 1)

    def _step(self, rows: Sequence[int]) -> float:
        step = self.position.step + 1
        learning_rate = self.plan.learning_rate_at(step)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        total, units = self._backward(rows, "train")
        loss = total / max(units, 1)
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"The loss became {loss} at step {step}, with learning rate {learning_rate:.3g}. Try a lower learning rate.",
                details={"step": step, "field": "hyperparameters.learning_rate"},
            )
        grad_norm = self._scale_gradients(1.0 / max(units, 1))
        self.optimizer.step()
        self.position.step = step
        self.position.epoch_loss += total
        self.position.epoch_units += units
        epoch = step / self.plan.steps_per_epoch
        self.metrics.record(step, epoch=epoch, loss=loss, learning_rate=learning_rate, grad_norm=grad_norm)
        return loss

    def _backward(self, rows: Sequence[int], role: Role) -> tuple[float, int]:
        """Gradients of the summed loss over all batches of a step; the division by units comes after, so batches weigh right."""
        total, units = 0.0, 0
        for start in range(0, len(rows), self.plan.batch_size):
            with self._autocast():
                loss = self.learner.loss(rows[start : start + self.plan.batch_size], role)
            loss.total.backward()  # type: ignore[no-untyped-call]
            total, units = total + float(loss.total.detach()), units + loss.units
        return total, units

    def _scale_gradients(self, factor: float) -> float | None:
        gradients = [parameter.grad for group in self.optimizer.param_groups for parameter in group["params"]]
        present = [gradient for gradient in gradients if gradient is not None]
        if self.plan.max_grad_norm == 0:
            torch._foreach_mul_(present, factor)
            return None
        norm = float(torch.nn.utils.get_total_norm(present)) * factor
        if not math.isfinite(norm):
            raise TrainingDiverged(
                f"The gradient became {norm} at step {self.position.step + 1}. Try a lower learning rate.",
                details={"step": self.position.step + 1, "field": "hyperparameters.learning_rate"},
            )
        torch._foreach_mul_(present, factor * min(1.0, self.plan.max_grad_norm / (norm + 1e-6)))
        return norm

    def _end_epoch(self) -> None:
        position = self.position
        position.train_loss = position.epoch_loss / max(position.epoch_units, 1)
        position.epoch_loss, position.epoch_units = 0.0, 0
        position.mine_loss = self.evaluate()
        self.metrics.write({"step": position.step, "trainLoss": position.train_loss, "mineLoss": position.mine_loss})
        if self.plan.early_stopping_patience and position.mine_loss is not None:
            self._consider_stopping(position.mine_loss)

    def _consider_stopping(self, mine_loss: float) -> None:
        position = self.position
        if position.best_mine_loss is None or mine_loss < position.best_mine_loss:
            position.best_mine_loss, position.best_step, position.epochs_without_gain = mine_loss, position.step, 0
            self.best_weights = {name: tensor.clone() for name, tensor in trainable_weights(self.learner).items()}
        else:
            position.epochs_without_gain += 1
            position.stopped_early = position.epochs_without_gain >= self.plan.early_stopping_patience

    def _epoch_order(self) -> list[int]:
        """The order of the examples in the present epoch: a function of seed and epoch alone."""
        order: list[int] = np.random.default_rng([self.plan.seed, self.epoch]).permutation(self.plan.examples).tolist()
        return order

    def _autocast(self) -> torch.autocast:
        enabled = self.plan.mixed_precision and device().type == "cuda"
        return torch.autocast(device().type, dtype=torch.bfloat16, enabled=enabled)


def trainable_weights(learner: Learner) -> dict[str, Tensor]:
    """The weights that training changes, by name, detached but not copied."""
    return {name: weight.detach() for name, weight in learner.module.named_parameters() if weight.requires_grad}


def restore_weights(learner: Learner, weights: dict[str, Tensor]) -> None:
    """Put saved weights back. Raises ``KeyError`` when one is missing and ``RuntimeError`` when a shape differs."""
    with torch.no_grad():
        for name, target in trainable_weights(learner).items():
            if target.shape != weights[name].shape:
                raise RuntimeError(f"{name} has shape {tuple(weights[name].shape)}, not {tuple(target.shape)}")
            target.copy_(weights[name])
