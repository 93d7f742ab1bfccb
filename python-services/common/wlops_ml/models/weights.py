"""Weights as safetensors: written from tensors wherever they lie, read without running anything from the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from wlops_common.errors import ModelUnavailable

WEIGHTS_NAME = "model.safetensors"


def save_weights(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write the tensors; each gets memory of its own, as the format asks."""
    save_file({name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}, path)


def load_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, on the CPU. Raises ``ModelUnavailable`` when it is not one."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelUnavailable(f"{path.name} is missing or not a safetensors file.", detail=str(error)) from error
