"""How long and how fast to train: the user's hyperparameters, completed from the amount of data where they say nothing.

Not here: hyperparameters of the model itself, which its learner reads.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TrainingPlan:
    """The numbers the training loop needs. A step is one update of the weights."""

    seed: int
    examples: int
    epochs: int
    #: Rows per forward pass; ``batch_size * accumulation`` rows make one step.
    batch_size: int
    accumulation: int
    max_steps: int | None
    learning_rate: float
    weight_decay: float
    warmup_ratio: float
    max_grad_norm: float
    early_stopping_patience: int
    checkpoint_interval_seconds: float
    mixed_precision: bool

    @functools.cached_property
    def rows_per_step(self) -> int:
        """Rows whose gradients make one step; the last step of an epoch may have fewer."""
        return self.batch_size * self.accumulation

    @functools.cached_property
    def steps_per_epoch(self) -> int:
        """Steps in one pass over the examples."""
        return math.ceil(self.examples / self.rows_per_step)

    @functools.cached_property
    def total_steps(self) -> int:
        """Steps until training ends, unless early stopping ends it before."""
        steps = self.epochs * self.steps_per_epoch
        return steps if self.max_steps is None else min(steps, self.max_steps)

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of step ``step`` (from 1): linear rise over the warm-up, then linear fall towards 0."""
        warmup = math.ceil(self.warmup_ratio * self.total_steps)
        if step <= warmup:
            return self.learning_rate * step / warmup
        return self.learning_rate * (self.total_steps + 1 - step) / (self.total_steps + 1 - warmup)


def make_plan(hyperparameters: Mapping[str, Any], *, examples: int, tokens: int, seed: int) -> TrainingPlan:
    """The plan for ``examples`` rows of ``tokens`` tokens in all; hyperparameters are complete (see ``catalog``).

    Where the user left it open, batches grow from 32 to 256 rows with the data, and the epochs are as many as
    a small model needs to settle, fewer on larger data, so that training time stays bounded.
    """
    batch_size = hyperparameters["batch_size"] or _power_of_two(examples / 256, low=32, high=256)
    return TrainingPlan(
        seed=seed,
        examples=examples,
        epochs=hyperparameters["epochs"] or _default_epochs(examples, tokens),
        batch_size=int(batch_size),
        accumulation=int(hyperparameters["gradient_accumulation_steps"]),
        max_steps=hyperparameters["max_steps"],
        learning_rate=float(hyperparameters["learning_rate"]),
        weight_decay=float(hyperparameters["weight_decay"]),
        warmup_ratio=float(hyperparameters["warmup_ratio"]),
        max_grad_norm=float(hyperparameters["max_grad_norm"]),
        early_stopping_patience=int(hyperparameters["early_stopping_patience"]),
        checkpoint_interval_seconds=float(hyperparameters["checkpoint_interval_seconds"]),
        mixed_precision=bool(hyperparameters.get("mixed_precision", False)),
    )


#: Rows (classifier) or tokens (transformer) that training passes over in all when the epochs are left open: half a minute of one
#: core, after which both have settled on easy data.
_ROW_BUDGET = 85_000
_TOKEN_BUDGET = 800_000
_MOST_EPOCHS = 30


def _default_epochs(examples: int, tokens: int) -> int:
    """As many epochs as the budget has; rows without tokens get at least three, being cheap."""
    epochs = round(_TOKEN_BUDGET / tokens) if tokens else max(3, round(_ROW_BUDGET / examples))
    return max(1, min(_MOST_EPOCHS, epochs))


def _power_of_two(value: float, *, low: int, high: int) -> int:
    return max(low, min(high, 1 << math.floor(math.log2(max(value, 1)))))
