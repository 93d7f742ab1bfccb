"""Where a training stands: what a checkpoint keeps beside tensors and generators. Not here: what moves it (``loop``, ``validation``)."""

from __future__ import annotations

from dataclasses import dataclass


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
    #: The step whose epoch was the last to be finished: its losses told. A pause may come between the last step of an epoch and that.
    epoch_ended_at: int = 0
    #: Running mean of the loss of a step, and the lowest it has been; see ``validation``.
    recent_loss: float | None = None
    lowest_loss: float | None = None
    #: Times the batch was halved because memory ran out.
    out_of_memory_retries: int = 0
