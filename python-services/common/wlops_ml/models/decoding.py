"""Answers written greedily for many prompts at once, with a key-value cache and the calculator.

Not here: how a finished answer is shown (``tinygpt``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from wlops_ml.models.tokenizer import END, PAD, UNWRITABLE, CopyTokenizer, Memory, calculator_token
from wlops_ml.models.transformer import Transformer

#: Rows that are done stay in the batch until they are this share of it; then the rest goes on without them.
_COMPACT_SHARE = 0.25


@dataclass
class Writing:
    """One answer being written."""

    memory: Memory
    text: str = ""
    probabilities: list[float] = field(default_factory=list)
    is_done: bool = False
    #: Token the calculator wants next.
    forced: int | None = None

    def take(self, token: int, probability: float, tokenizer: CopyTokenizer) -> int:
        """Add the next token, the model's or the calculator's, and return it."""
        if self.forced is not None:
            token, self.forced = self.forced, None
        else:
            self.probabilities.append(probability)
        if token == END:
            self.is_done = True
            return token
        before = self.text
        self.text += tokenizer.write(token, self.memory)
        self.forced = calculator_token(token, before, self.memory)
        return token


@torch.inference_mode()
def write_answers(
    model: Transformer,
    tokenizer: CopyTokenizer,
    prompts: Sequence[Sequence[int]],
    memories: Sequence[Memory],
    max_new_tokens: int,
    check: Callable[[], None],
) -> list[Writing]:
    """Write an answer to each prompt, all of them one token a round, until its end or ``max_new_tokens``. No randomness."""
    writings = [Writing(memory) for memory in memories]
    tokens, mask = _left_padded(prompts, model.embedding.weight.device)
    width = tokens.shape[1]
    cache = model.new_cache(len(prompts), width + max_new_tokens)
    causal = torch.ones(width, width, dtype=torch.bool, device=tokens.device).tril()
    # A padded position sees itself, lest its softmax be empty; nothing else ever sees it.
    itself = torch.eye(width, dtype=torch.bool, device=tokens.device)
    hidden = model(tokens, cache, (causal & mask[:, None, None, :]) | itself)
    active = list(range(len(prompts)))
    for _ in range(max_new_tokens):
        check()
        following = _choose(model, hidden[:, -1], [writings[row] for row in active], tokenizer)
        open_rows = [place for place, row in enumerate(active) if not writings[row].is_done]
        if not open_rows:
            break
        if len(open_rows) < (1 - _COMPACT_SHARE) * len(active):
            kept = torch.tensor(open_rows, device=tokens.device)
            cache.keep(kept)
            mask, following = mask[kept], following[kept]
            active = [active[place] for place in open_rows]
        mask = torch.cat([mask, torch.ones(len(active), 1, dtype=torch.bool, device=tokens.device)], dim=1)
        hidden = model(following[:, None], cache, mask[:, None, None, :])
    return writings


def _choose(model: Transformer, hidden: Tensor, writings: Sequence[Writing], tokenizer: CopyTokenizer) -> Tensor:
    """The next token of each row; rows that are done get padding."""
    logits = model.logits(hidden)
    logits[:, list(UNWRITABLE)] = -torch.inf
    for place, writing in enumerate(writings):
        logits[place, writing.memory.empty_slots()] = -torch.inf
    probabilities, chosen = logits.softmax(dim=-1).max(dim=-1)
    taken = [
        PAD if writing.is_done else writing.take(token, probability, tokenizer)
        for writing, token, probability in zip(writings, chosen.tolist(), probabilities.tolist(), strict=True)
    ]
    return torch.tensor(taken, device=logits.device)


def _left_padded(prompts: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Tokens ``(rows, longest)`` and which of them are real."""
    longest = max(len(prompt) for prompt in prompts)
    padded = torch.tensor([[PAD] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    return padded, torch.arange(longest, device=device) >= (longest - lengths)[:, None]
