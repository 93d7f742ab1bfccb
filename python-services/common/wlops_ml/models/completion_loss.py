"""How likely a model finds given completions: teacher-forced, in batches of like length, without gradients.

Not here: what a completion's tokens are, which each model knows (``tinygpt``, ``hf``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from wlops_ml.models.base import WORST_LOSS, Check
from wlops_ml.models.padding import padded

#: A row's tokens, the prompt's and then the completion's, and the place where the completion begins, at least 1.
Example = tuple[list[int], int]
#: From tokens, their mask (both ``(rows, length)``) and the places asked about (``(rows, length - 1)``, boolean) to the scores of the
#: token that follows each of these places, ``(places, vocabulary)``.
NextToken = Callable[[Tensor, Tensor, Tensor], Tensor]


@torch.inference_mode()
def mean_losses(
    examples: Sequence[Example],
    next_token: NextToken,
    *,
    pad: int,
    batch_tokens: int,
    unwritable: int | None = None,
    check: Check | None = None,
) -> npt.NDArray[np.float64]:
    """Mean negative log-likelihood of each completion's tokens in nats, shape ``(rows,)``, each token's at most ``WORST_LOSS``.

    Args:
        examples: Rows as tokens.
        next_token: The model.
        pad: The token to pad with; padding is masked, so figures do not depend on the batch beyond float noise.
        batch_tokens: Most tokens of a batch, padding included; a longer row is alone.
        unwritable: Stands in completions for what the model has no token for, and so can never write: the worst loss.
        check: Called between batches.
    """
    losses = np.empty(len(examples))
    for batch in _batches([len(tokens) for tokens, _ in examples], batch_tokens):
        if check:
            check()
        tokens, mask = padded([examples[row][0] for row in batch], pad)
        starts = torch.tensor([examples[row][1] for row in batch], device=tokens.device)
        places = torch.arange(1, tokens.shape[1], device=tokens.device)
        asked = (places >= starts[:, None]) & (mask[:, 1:] == 1)
        wanted = tokens[:, 1:][asked]
        logits = next_token(tokens, mask, asked).float()
        nats = functional.cross_entropy(logits, wanted, reduction="none").clamp(max=WORST_LOSS)
        if unwritable is not None:
            nats[wanted == unwritable] = WORST_LOSS
        row_of_token = asked.nonzero()[:, 0]
        sums = torch.zeros(len(batch), dtype=torch.float64, device=tokens.device)
        sums.index_add_(0, row_of_token, nats.double())
        losses[batch] = (sums / asked.sum(dim=1)).cpu().numpy()
    return losses


def _batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Rows by length, the longest first, so that what does not fit into memory shows at once."""
    order = np.argsort([-length for length in lengths], kind="stable").tolist()
    start = 0
    while start < len(order):
        count = max(1, batch_tokens // lengths[order[start]])
        yield order[start : start + count]
        start += count
