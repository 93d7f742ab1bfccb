"""The training loop, the same for every model: order of the data, steps, epochs, and nothing hidden.

Everything that decides the next step lies in ``Training`` (weights, optimizer, random generators, position), so that saving and
restoring it gives the same weights, bit for bit on the CPU. Not here: what a step does (``step``), the loss on mine (``validation``),
where checkpoints go (``checkpoint``), and who is told about progress (``job``).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from trainer.metrics import StepMetrics
from trainer.plan import TrainingPlan
from trainer.position import Position
from trainer.step import NotFinite, OutOfMemory, Step, Stepper
from trainer.trainable import are_finite, copy_of_weights, restore_weights
from trainer.validation import has_exploded, mean_loss, note_epoch, note_step
from wlops_common.errors import ResourceExhausted, TrainingDiverged
from wlops_ml.models.learner import Learner

#: Called with (message, what it is about).
Log = Callable[..., None]
_MOST_OUT_OF_MEMORY_RETRIES = 1


@dataclass
class Training:
    """A training in progress."""

    learner: Learner
    plan: TrainingPlan
    metrics: StepMetrics
    log: Log = lambda _message, **_fields: None
    #: Called in what takes long between two steps; what it raises leaves the training where it can go on.
    check: Callable[[], None] = lambda: None
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

    def rows(self, step: int) -> list[int]:
        """The rows of a step (from 1): a function of seed and step alone."""
        epoch, done = divmod(step - 1, self.plan.steps_per_epoch)
        start = done * self.plan.rows_per_step
        return _epoch_order(self.plan.seed, epoch, self.plan.examples)[start : start + self.plan.rows_per_step]

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

        So does what ``check`` raises while an epoch is finished, which is then done when the training goes on.

        Raises:
            TrainingDiverged: The loss or the gradient of a step became NaN or infinite, and everything is as it was before that step;
                or the loss on mine did, after the last step of an epoch.
            ResourceExhausted: Memory ran out, and again with smaller batches.
        """
        self.learner.module.train()
        self.metrics.start()
        self._end_epoch_if_due()
        while not self.is_done:
            loss = self._step(self.rows(self.position.step + 1))
            self._end_epoch_if_due()
            after_step(loss)
        if self.best_weights:
            restore_weights(self.learner, self.best_weights)
            self.position.mine_loss = self.position.best_mine_loss

    def is_sound(self) -> bool:
        """Whether training could go on from the weights of now.

        They are finite, and so is the loss on mine where it was seen, and on the rows of the last step their loss has not exploded
        (see ``validation``). Of these rows the weights before the step gave a finite loss. Where those of now do not, they went wrong;
        where they do, a step that cannot be taken now is the fault of its own rows.
        """
        if not are_finite(self.learner) or not math.isfinite(self.position.mine_loss or 0):
            return False
        rows = self.rows(self.position.step) if self.position.step > 0 else []
        return not has_exploded(self.position, mean_loss(self.stepper, rows, "train", batch_size=self.batch_size))

    def _step(self, rows: list[int]) -> float:
        taken = self._take(rows)
        step = self.position.step = self.position.step + 1
        self.position.epoch_loss += taken.total
        self.position.epoch_units += taken.units
        note_step(self.position, taken.loss)
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
                raise self._diverged(str(fault), step) from fault

    def _end_epoch_if_due(self) -> None:
        step = self.position.step
        is_last = step % self.plan.steps_per_epoch == 0 or step == self.plan.total_steps
        if is_last and step > self.position.epoch_ended_at:
            self._end_epoch()

    def _end_epoch(self) -> None:
        position, mine_loss = self.position, self.position.mine_loss
        if mine := range(self.learner.sizes["mine"]):
            # Before anything is noted, for it may be interrupted.
            mine_loss = mean_loss(self.stepper, mine, "mine", batch_size=self.batch_size, check=self.check)
        position.train_loss = position.epoch_loss / max(position.epoch_units, 1)
        position.epoch_loss, position.epoch_units = 0.0, 0
        position.mine_loss, position.epoch_ended_at = mine_loss, position.step
        if mine_loss is not None and not math.isfinite(mine_loss):
            raise self._diverged(f"loss on mine became {mine_loss}", position.step)
        self.metrics.write({"step": position.step, "trainLoss": position.train_loss, "mineLoss": position.mine_loss})
        patience = self.plan.early_stopping_patience
        if mine and patience and note_epoch(position, patience=patience):
            self.best_weights = copy_of_weights(self.learner)

    def _diverged(self, what: str, step: int) -> TrainingDiverged:
        learning_rate = self.plan.learning_rate_at(step)
        return TrainingDiverged(
            f"The {what} at step {step}, with learning rate {learning_rate:.3g}. Try a lower learning rate.",
            details={"step": step, "learningRate": learning_rate, "field": "hyperparameters.learning_rate"},
        )


@functools.lru_cache(maxsize=1)
def _epoch_order(seed: int, epoch: int, examples: int) -> list[int]:
    """The order of the examples in an epoch (from 0)."""
    order: list[int] = np.random.default_rng([seed, epoch]).permutation(examples).tolist()
    return order
