"""A model in training, as the training loop sees it: examples by number in, a loss out.

Each model implements ``Learner``; the loop knows nothing else of it, so that all models share one loop, one checkpoint format and
one resume rule. Not here: the loop, the optimizer and the schedule (``trainer``), and a finished model (``base``).
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import Tensor, nn

Role = Literal["train", "mine"]


@dataclass(frozen=True, slots=True)
class LossSum:
    """Summed cross-entropy in nats (a scalar tensor) over ``units`` rows (classification) or answer tokens (generation)."""

    total: Tensor
    units: int


class Learner(ABC):
    """Module, examples and loss of one model. Built from the same rows and seed it is the same, bit for bit."""

    module: nn.Module
    #: Number of examples per role.
    sizes: dict[Role, int]
    #: Tokens in one pass over the training examples; 0 where the notion does not apply.
    train_tokens: int = 0
    #: Hyperparameters that the model chose where the user left them open.
    chosen: Mapping[str, Any] = MappingProxyType({})

    @abstractmethod
    def loss(self, indices: Sequence[int], role: Role) -> LossSum:
        """The loss of the examples with these numbers. For role ``mine`` without label smoothing, so that it is comparable."""

    @abstractmethod
    def units(self, indices: Sequence[int], role: Role) -> int:
        """How many rows or answer tokens the loss of these examples is summed over: the sum of their ``LossSum.units``."""

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write the finished model into an empty folder, so that ``load_model`` reads it."""

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Optimizer groups over the trainable parameters: matrices decay, vectors (biases, norms) do not."""
        trainable = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        return [
            {"params": [parameter for parameter in trainable if parameter.ndim >= 2], "weight_decay": weight_decay},
            {"params": [parameter for parameter in trainable if parameter.ndim < 2], "weight_decay": 0.0},
        ]


@functools.cache
def device() -> torch.device:
    """The GPU when there is one, else the CPU. Asked many times a step, and slow to find out."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def computes_bfloat16() -> bool:
    """Whether the device computes in bfloat16 of its own: CUDA from Ampere on. CPUs always compute in 32 bits."""
    return device().type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
