"""A small causal transformer: rotary positions (Su et al. 2021), RMS norm before each block, tied output, cache for decoding.

Not here: tokens and answers (``tokenizer``, ``tinygpt``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_ROTARY_BASE = 10_000.0


@dataclass(frozen=True)
class TransformerShape:
    """Sizes of a transformer. ``hidden_size`` is a multiple of ``2 * heads``."""

    vocabulary: int
    hidden_size: int
    layers: int
    heads: int


#: A layer's cached keys and values, and how many of them are filled.
Past = tuple[Tensor, Tensor, int]


@dataclass
class Cache:
    """Keys and values of all layers, each of shape ``(rows, heads, capacity, head size)``, filled up to ``length``."""

    keys: list[Tensor]
    values: list[Tensor]
    length: int = 0

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows."""
        self.keys = [tensor[rows] for tensor in self.keys]
        self.values = [tensor[rows] for tensor in self.values]


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, shape: TransformerShape, dropout: float) -> None:
        super().__init__()
        self.heads = shape.heads
        self.dropout = dropout
        self.project = nn.Linear(shape.hidden_size, 3 * shape.hidden_size, bias=False)
        self.output = nn.Linear(shape.hidden_size, shape.hidden_size, bias=False)

    def forward(
        self,
        hidden: Tensor,
        rotation: tuple[Tensor, Tensor],
        past: Past | None,
        mask: Tensor | None,
    ) -> Tensor:
        """``(rows, length, hidden)`` in and out; ``past`` is this layer's cache and its length, written to in place."""
        rows, length, _ = hidden.shape
        query, key, value = self.project(hidden).view(rows, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key = _rotate(query, *rotation), _rotate(key, *rotation)
        if past is not None:
            keys, values, start = past
            keys[:, :, start : start + length] = key
            values[:, :, start : start + length] = value
            key, value = keys[:, :, : start + length], values[:, :, : start + length]
        mixed = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=self.dropout if self.training else 0.0, is_causal=mask is None
        )
        projected: Tensor = self.output(mixed.transpose(1, 2).reshape(rows, length, -1))
        return projected


class Block(nn.Module):
    """Attention, then a two-layer network, each added to its input."""

    def __init__(self, shape: TransformerShape, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(shape.hidden_size)
        self.attention = Attention(shape, dropout)
        self.network_norm = nn.RMSNorm(shape.hidden_size)
        self.widen = nn.Linear(shape.hidden_size, 4 * shape.hidden_size, bias=False)
        self.narrow = nn.Linear(4 * shape.hidden_size, shape.hidden_size, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        hidden: Tensor,
        rotation: tuple[Tensor, Tensor],
        past: Past | None,
        mask: Tensor | None,
    ) -> Tensor:
        """See ``Attention.forward``."""
        hidden = hidden + self.dropout(self.attention(self.attention_norm(hidden), rotation, past, mask))
        added: Tensor = self.dropout(self.narrow(functional.gelu(self.widen(self.network_norm(hidden)))))
        return hidden + added


class Transformer(nn.Module):
    """Tokens to hidden states; ``logits`` turns those of interest into scores of the next token."""

    def __init__(self, shape: TransformerShape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.hidden_size)
        self.blocks = nn.ModuleList(Block(shape, dropout) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.hidden_size)
        self._initialise()

    def _initialise(self) -> None:
        """Normal weights; those that end a block are smaller, so that their sum over the layers is not."""
        deviation = self.shape.hidden_size**-0.5
        for name, parameter in self.named_parameters():
            if parameter.ndim >= 2:
                ends_block = name.endswith(("attention.output.weight", "narrow.weight"))
                nn.init.normal_(parameter, std=deviation / (2 * self.shape.layers) ** 0.5 if ends_block else deviation)

    def forward(self, tokens: Tensor, cache: Cache | None = None, mask: Tensor | None = None) -> Tensor:
        """Tokens ``(rows, length)`` -> hidden states ``(rows, length, hidden)``.

        With a cache the tokens follow those in it, and ``mask`` ``(rows, 1, length, cached + length)`` says what each may see.
        """
        start = cache.length if cache else 0
        rotation = self._rotation(start, tokens.shape[1], tokens.device)
        hidden = self.embedding(tokens)
        for number, block in enumerate(self.blocks):
            past = (cache.keys[number], cache.values[number], start) if cache else None
            hidden = block(hidden, rotation, past, mask)
        if cache:
            cache.length += tokens.shape[1]
        normed: Tensor = self.norm(hidden)
        return normed

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden states ``(…, hidden)`` -> scores ``(…, vocabulary)``; the output layer is the embedding."""
        return functional.linear(hidden, self.embedding.weight)

    def new_cache(self, rows: int, capacity: int) -> Cache:
        """An empty cache for ``capacity`` tokens a row."""
        size = (rows, self.shape.heads, capacity, self.shape.hidden_size // self.shape.heads)
        make = [torch.zeros(size, device=self.embedding.weight.device) for _ in range(2 * self.shape.layers)]
        return Cache(make[::2], make[1::2])

    def _rotation(self, start: int, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
        half = self.shape.hidden_size // self.shape.heads // 2
        frequencies = _ROTARY_BASE ** (-torch.arange(half, device=device) / half)
        angles = torch.arange(start, start + length, device=device)[:, None] * frequencies
        return angles.cos(), angles.sin()


def _rotate(vectors: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = vectors.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)
