"""Pairs of classes that are mistaken for each other more often than their errors would hit each other by chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import stats

from evaluator.significance import q_values

MIN_MUTUAL_ERRORS = 3
MAX_Q = 0.1
MAX_PAIRS = 20

Pair = tuple[str, str]


def confused_pairs(references: Sequence[str], predictions: Sequence[str]) -> list[Pair]:
    """The confused pairs ``(a, b)``, the more frequent direction first, most significant pair first, at most ``MAX_PAIRS``.

    Pairs are taken one at a time, the most significant first, and their errors leave the count before the next is looked for:
    else one frequent confusion makes all others' share of chance errors look small, and them significant. With two classes every
    error is mutual and no pair can stand out.
    """
    wrong = Counter((a, b) for a, b in zip(references, predictions, strict=True) if a != b)
    classes = len({*references, *predictions})
    found: list[Pair] = []
    while classes > 2 and len(found) < MAX_PAIRS:
        pair = _most_significant(wrong, classes)
        if pair is None:
            break
        a, b = pair
        found.append((a, b) if wrong[a, b] >= wrong[b, a] else (b, a))
        del wrong[a, b], wrong[b, a]
    return found


def _most_significant(wrong: Counter[Pair], classes: int) -> Pair | None:
    """The pair least likely by chance, or None when none is significant.

    Chance that an error of ``a`` lands on ``b`` is what the errors of the classes other than these two say, one more error added
    for each class so that a class nobody else is mistaken for is not impossible.
    """
    from_class, to_class = Counter[str](), Counter[str]()
    for (a, b), count in wrong.items():
        from_class[a] += count
        to_class[b] += count
    directed = sorted(wrong)
    if not directed:
        return None
    counts = np.array([wrong[pair] for pair in directed])
    trials = np.array([from_class[a] for a, _ in directed])
    hits = np.array([to_class[b] - wrong[a, b] + 1 for a, b in directed])
    others = [wrong.total() - from_class[a] - from_class[b] - to_class[a] + wrong[b, a] for a, b in directed]
    p_values = np.asarray(stats.binom.sf(counts - 1, trials, hits / (np.array(others) + classes - 1)))
    ranked = sorted(zip(p_values, q_values(p_values), directed, strict=True))
    for _, q, (a, b) in ranked:
        if q >= MAX_Q:
            return None
        if wrong[a, b] + wrong[b, a] >= MIN_MUTUAL_ERRORS:
            return a, b
    return None
