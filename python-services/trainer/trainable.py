"""The weights that training changes: read, judged, copied, put back. Not here: files (``wlops_ml.models.weights``)."""

from __future__ import annotations

import torch
from torch import Tensor

from wlops_ml.models.learner import Learner


def trainable_weights(learner: Learner) -> dict[str, Tensor]:
    """The weights that training changes, by name, detached but not copied."""
    return {name: weight.detach() for name, weight in learner.module.named_parameters() if weight.requires_grad}


def are_finite(learner: Learner) -> bool:
    """Whether no trainable weight is NaN or infinite."""
    return all(bool(weight.isfinite().all()) for weight in trainable_weights(learner).values())


def copy_of_weights(learner: Learner) -> dict[str, Tensor]:
    """The trainable weights as they are now, in main memory."""
    return {name: weight.to("cpu", copy=True) for name, weight in trainable_weights(learner).items()}


def restore_weights(learner: Learner, weights: dict[str, Tensor]) -> None:
    """Put saved weights back. Raises ``KeyError`` when one is missing and ``RuntimeError`` when a shape differs."""
    with torch.no_grad():
        for name, target in trainable_weights(learner).items():
            if target.shape != weights[name].shape:
                raise RuntimeError(f"{name} has shape {tuple(weights[name].shape)}, not {tuple(target.shape)}")
            target.copy_(weights[name])
