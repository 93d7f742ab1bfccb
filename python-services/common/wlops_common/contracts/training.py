"""Messages of the trainer."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from wlops_common.contracts.messages import JobRequest, Message, ObjectRef, RowsRef, Sha256, TaskType


class TrainRequest(JobRequest):
    """Train one model, or continue an earlier segment."""

    model_name: str = Field(min_length=1, max_length=200)
    hyperparameters: dict[str, float | int | str | bool] = Field(default_factory=dict)
    task_type: TaskType
    train: RowsRef
    mine: RowsRef | None = None
    resume_from: ObjectRef | None = None

    def result_unbegun(self) -> dict[str, Any] | None:
        """The checkpoint it was to go on from."""
        return None if self.resume_from is None else {"checkpoint": self.resume_from.to_json()}


class TrainResult(Message):
    """What the trainer answers when it is done. Losses are cross-entropies in nats."""

    model: ObjectRef
    model_path: str
    weights_sha256: Sha256
    parameters: int
    steps: int
    epochs: float
    train_loss: float | None
    mine_loss: float | None
    loss_curve: list[tuple[int, float]]
    seconds: float
    #: As it was in the end; half of what was asked for, with twice the accumulation, after memory had run out once.
    batch_size: int | None = None
    accumulation: int | None = None
    out_of_memory_retries: int = 0
    #: Where early stopping ended it, and the step whose weights were kept; None where the last step's were.
    stopped_early: bool = False
    best_step: int | None = None
    #: ``float32``, or ``bfloat16`` where mixed precision was used.
    precision: str | None = None
    device: str | None = None
    #: Where the attempt that ended it had continued from; None where it had begun at the beginning.
    resumed_from_step: int | None = None
