"""Held-out rows that stand in the training rows too, as they are or nearly: what the optimizer's guard and the evaluator's audit share.

Not covered: rewordings (``paraphrases``), and what follows: the optimizer drops the training row, the evaluator counts the held-out one
as wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from wlops_common.contracts import TaskType
from wlops_ml.near_duplicates import nearly_among
from wlops_ml.text import match_key, numbers

#: Short texts of one topic are alike: below this similarity they are mostly different questions (banking77: 0.7 joins 5 % unlike labels).
NEAR_DUPLICATE_SIMILARITY = 0.9

#: How a held-out row stands in the training rows; None where it does not.
Overlap: TypeAlias = Literal["exact", "near"] | None


def overlaps(held_out: Sequence[str], training: Iterable[Sequence[str]], task_type: TaskType) -> list[Overlap]:
    """For each held-out input how it overlaps with the inputs of ``training``, which come in blocks; shape ``(held-out,)``.

    *Exact*: equal match keys. *Near*: not so, but character 5-grams of a Jaccard similarity of at least 0.9, for generation between
    problems with the same numbers only, each verified; overlooked is what ``near_repeats`` overlooks. A held-out row has one overlap,
    however many training rows it overlaps with. Memory holds one block; the work grows with the sum of both sides.
    """
    keys = [match_key(text) for text in held_out]
    wanted = set(keys)
    found: list[Overlap] = [None] * len(held_out)
    exact: set[str] = set()
    for block in training:
        once = {match_key(text): text for text in block}  # a row that was repeated to weigh more is one row
        exact |= once.keys() & wanted
        left = [at for at, key in enumerate(keys) if found[at] is None and key not in exact]
        near = _near([held_out[at] for at in left], [once[key] for key in sorted(once)], task_type)
        for at, hit in zip(left, near, strict=True):
            found[at] = "near" if hit else None
    return ["exact" if key in exact else overlap for key, overlap in zip(keys, found, strict=True)]


def _near(texts: list[str], others: list[str], task_type: TaskType) -> list[bool]:
    keys = _comparable(texts, task_type)
    wanted = set(keys)
    beside = [(text, key) for text, key in zip(others, _comparable(others, task_type), strict=True) if key in wanted]
    if not beside:
        return [False] * len(texts)
    return nearly_among(
        texts, [text for text, _ in beside], NEAR_DUPLICATE_SIMILARITY, keys, [key for _, key in beside]
    )


def _comparable(texts: list[str], task_type: TaskType) -> list[tuple[str, ...]]:
    """What must be equal for two texts to be compared at all: of problems their numbers."""
    return [numbers(text) if task_type == "generation" else () for text in texts]
