"""The training loop, the same for every model: order of the data, steps, epochs, and nothing hidden.

Everything that decides the next step lies in ``Training`` (weights, optimizer, random generators, position), so that saving and
restoring it gives the same weights, bit for bit on the CPU. Not here: what a step does (``step``), where checkpoints go
(``checkpoint``), and who is told about progress (``job``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from trainer.metrics import StepMetrics
from trainer.plan import TrainingPlan
from trainer.step import NotFinite, OutOfMemory, Step, Stepper
from trainer.trainable import restore_weights, trainable_weights
from wlops_common.errors import ResourceExhausted, TrainingDiverged
from wlops_ml.models.learner import Learner

#: Called with (message, what it is about).
Log = Callable[..., None]
_MOST_OUT_OF_MEMORY_RETRIES = 1


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
    #: Times the batch was halved because memory ran out.
    out_of_memory_retries: int = 0


@dataclass
class Training:
    """A training in progress."""

    learner: Learner
    plan: TrainingPlan
    metrics: StepMetrics
    log: Log = lambda _message, **_fields: None
    position: Position = field(default_factory=Position)
    #: Weights with the lowest loss on mine, in main memory; kept only when early stopping was asked for.
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the optimizer."""
        self.stepper = Stepper(self.learner, self.plan)

    @property
    def is_done(self) -> bool:
        """Whether no step is left."""
        return self.position.stopped_early or self.position.step >= self.plan.total_steps

    @property
    def epoch(self) -> int:
        """Number of the epoch in progress, from 0."""
        return self.position.step // self.plan.steps_per_epoch

    @property
    def batch_size(self) -> int:
        """Rows per forward pass: those of the plan, halved each time memory ran out. The rows of a step stay the same."""
        return math.ceil(self.plan.batch_size / (1 << self.position.out_of_memory_retries))

    @property
    def accumulation(self) -> int:
        """Forward passes of a full step."""
        return math.ceil(self.plan.rows_per_step / self.batch_size)

    def halve_batch(self) -> None:
        """Memory ran out: go on with half the batch and twice the accumulation, and say so in the log and the step file.

        Raises:
            ResourceExhausted: That was done before, or the batch is a single row.
        """
        if self.batch_size == 1 or self.position.out_of_memory_retries >= _MOST_OUT_OF_MEMORY_RETRIES:
            raise ResourceExhausted(
                f"Memory ran out at step {self.position.step + 1} with {self.batch_size} rows a batch"
                + (f", as it had with {self.plan.batch_size}." if self.batch_size < self.plan.batch_size else "."),
                details={
                    "field": "hyperparameters.batch_size",
                    "step": self.position.step + 1,
                    "batchSize": self.batch_size,
                    "accumulation": self.accumulation,
                },
            )
        self.position.out_of_memory_retries += 1
        facts = {"batchSize": self.batch_size, "accumulation": self.accumulation}
        self.log("memory ran out, going on with smaller batches", step=self.position.step + 1, **facts)
        self.metrics.write({"step": self.position.step + 1, "event": "out of memory", **facts})

    def run(self, after_step: Callable[[float], None]) -> None:
        """Train to the end. ``after_step`` gets each step's loss; what it raises leaves the training between two steps.

        Raises:
            TrainingDiverged: The loss or the gradient became NaN or infinite; everything is as it was before that step.
            ResourceExhausted: Memory ran out, and again with smaller batches.
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
        with torch.inference_mode(), self.stepper.autocast():
            # No larger batches than in training, which are known to fit.
            for start in range(0, size, self.batch_size):
                loss = self.learner.loss(range(start, min(start + self.batch_size, size)), "mine")
                total, units = total + float(loss.total), units + loss.units
        self.learner.module.train()
        return total / max(units, 1)

    def _step(self, rows: list[int]) -> float:
        taken = self._take(rows)
        step = self.position.step = self.position.step + 1
        self.position.epoch_loss += taken.total
        self.position.epoch_units += taken.units
        self.metrics.record(
            step,
            epoch=step / self.plan.steps_per_epoch,
            loss=taken.loss,
            learning_rate=self.plan.learning_rate_at(step),
            grad_norm=taken.grad_norm,
        )
        return taken.loss

    def _take(self, rows: list[int]) -> Step:
        step = self.position.step + 1
        learning_rate = self.plan.learning_rate_at(step)
        while True:
            try:
                return self.stepper.take(rows, batch_size=self.batch_size, learning_rate=learning_rate)
            except OutOfMemory:
                self.halve_batch()
            except NotFinite as fault:
                raise TrainingDiverged(
                    f"The {fault} at step {step}, with learning rate {learning_rate:.3g}. Try a lower learning rate.",
                    details={"step": step, "learningRate": learning_rate, "field": "hyperparameters.learning_rate"},
                ) from fault

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
            weights = trainable_weights(self.learner)
            self.best_weights = {name: tensor.to("cpu", copy=True) for name, tensor in weights.items()}
        else:
            position.epochs_without_gain += 1
            position.stopped_early = position.epochs_without_gain >= self.plan.early_stopping_patience

    def _epoch_order(self) -> list[int]:
        """The order of the examples in the present epoch: a function of seed and epoch alone."""
        order: list[int] = np.random.default_rng([self.plan.seed, self.epoch]).permutation(self.plan.examples).tolist()
        return order
