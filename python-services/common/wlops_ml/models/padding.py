"""Sequences of tokens as one tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from wlops_ml.models.learner import device


def padded(sequences: Sequence[Sequence[int]], pad: int, *, left: bool = False) -> tuple[Tensor, Tensor]:
    """Tokens ``(rows, longest)`` and their attention mask, on the device."""
    longest = max(1, *(len(sequence) for sequence in sequences))
    tokens = torch.full((len(sequences), longest), pad, dtype=torch.long)
    mask = torch.zeros_like(tokens)
    for row, sequence in enumerate(sequences):
        place = slice(longest - len(sequence), longest) if left else slice(0, len(sequence))
        tokens[row, place] = torch.tensor(sequence, dtype=torch.long)
        mask[row, place] = 1
    return tokens.to(device()), mask.to(device())
