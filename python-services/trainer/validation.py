"""What the weights of now are worth: their loss on given rows, whether it still falls from epoch to epoch, and when it has exploded.

A training whose learning rate is far too high passes through losses of 1e8 and more, all of them finite, before one is not: such
weights are no state to go on from. They are sound only while their loss is at most ``_MOST_TIMES`` the lowest running mean of the
training loss plus ``_MOST_NATS``. The mean over about ``_RECENT_STEPS`` steps, so that a few easy rows do not set the bound. The
nats, so that where the loss has come near zero a hard batch is no explosion, nor a training that has fallen back to guessing: 5 nats
are the loss of a guess among 150, and from a guess training can go on.

Not here: scores of a finished model (evaluator).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from trainer.position import Position
from trainer.step import Stepper
from wlops_ml.models.learner import Role

_RECENT_STEPS = 10
_MOST_TIMES = 10
_MOST_NATS = 5.0


def mean_loss(
    stepper: Stepper, rows: Sequence[int], role: Role, *, batch_size: int, check: Callable[[], None] = lambda: None
) -> float:
    """Mean loss in nats on these rows, computed as in training but without dropout; changes nothing and draws no random number.

    ``check`` is called before each batch; what it raises changes nothing either.
    """
    learner = stepper.learner
    learner.module.eval()
    total, units = 0.0, 0
    try:
        with torch.inference_mode(), stepper.autocast():
            # No larger batches than in training, which are known to fit.
            for start in range(0, len(rows), batch_size):
                check()
                loss = learner.loss(rows[start : start + batch_size], role)
                total, units = total + float(loss.total), units + loss.units
    finally:
        learner.module.train()
    return total / max(units, 1)


def note_step(position: Position, loss: float) -> None:
    """Take down the loss of the step that ``position`` counts as its last."""
    recent = loss if position.recent_loss is None else position.recent_loss
    position.recent_loss = recent + (loss - recent) / min(position.step, _RECENT_STEPS)
    if position.lowest_loss is None or position.recent_loss < position.lowest_loss:
        position.lowest_loss = position.recent_loss


def has_exploded(position: Position, loss: float) -> bool:
    """Whether weights with this loss on training rows are beyond what training could go on from, or the loss is not finite."""
    if not math.isfinite(loss):
        return True
    return position.lowest_loss is not None and loss > _MOST_TIMES * position.lowest_loss + _MOST_NATS


def note_epoch(position: Position, *, patience: int) -> bool:
    """Take down the loss on mine of a finished epoch: True where it is the lowest yet. After ``patience`` others training is to stop."""
    loss = position.mine_loss
    if loss is not None and (position.best_mine_loss is None or loss < position.best_mine_loss):
        position.best_mine_loss, position.best_step, position.epochs_without_gain = loss, position.step, 0
        return True
    position.epochs_without_gain += 1
    position.stopped_early = position.epochs_without_gain >= patience
    return False
