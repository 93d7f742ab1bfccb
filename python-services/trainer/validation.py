"""What the weights of now are worth: their loss on given rows, and whether it still falls from epoch to epoch.

Not here: scores of a finished model (evaluator).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from trainer.position import Position
from trainer.step import Stepper
from wlops_ml.models.learner import Role


def mean_loss(stepper: Stepper, rows: Sequence[int], role: Role, *, batch_size: int) -> float:
    """Mean loss in nats on these rows, computed as in training but without dropout; changes nothing and draws no random number."""
    learner = stepper.learner
    learner.module.eval()
    total, units = 0.0, 0
    with torch.inference_mode(), stepper.autocast():
        # No larger batches than in training, which are known to fit.
        for start in range(0, len(rows), batch_size):
            loss = learner.loss(rows[start : start + batch_size], role)
            total, units = total + float(loss.total), units + loss.units
    learner.module.train()
    return total / max(units, 1)


def note_epoch(position: Position, *, patience: int) -> bool:
    """Take down the loss on mine of a finished epoch: True where it is the lowest yet. After ``patience`` others training is to stop."""
    loss = position.mine_loss
    if loss is not None and (position.best_mine_loss is None or loss < position.best_mine_loss):
        position.best_mine_loss, position.best_step, position.epochs_without_gain = loss, position.step, 0
        return True
    position.epochs_without_gain += 1
    position.stopped_early = position.epochs_without_gain >= patience
    return False
