"""Random edits of training texts of a failing class: delete a tenth of the words, swap two (EDA without its word lists, Wei and Zou 2019).

Made from original training rows only, never from held-out ones or from rows made before.
"""

from __future__ import annotations

import numpy as np

from data_optimizer.feedback.bench import Bench, Draft
from data_optimizer.recipe import RecipeEntry

DELETED_SHARE = 0.1
_MIN_WORDS = 4


def augment(bench: Bench, entry: RecipeEntry, limit: int) -> int:
    """Add at most ``limit`` edited copies to the training rows; answers how many. Generation rows are never edited."""
    originals = bench.matching(bench.originals(), entry.predicate).sort("id")
    if bench.task_type != "classification" or originals.height == 0:
        return 0
    rng = bench.rng(entry)
    rows = list(originals.select("given", "wanted", "group").iter_rows())
    drafts: list[Draft] = []
    seen = set(bench.train["given"].to_list())
    for turn in range(2 * limit):
        given, wanted, group = rows[turn % len(rows)]
        edited = edit(given, rng)
        if edited is not None and edited not in seen:
            seen.add(edited)
            drafts.append((edited, wanted, group))
            if len(drafts) >= limit + limit // 10:
                break
    return bench.accept(drafts, "augment", limit)


def edit(text: str, rng: np.random.Generator) -> str | None:
    """The text with about a tenth of its words deleted and two neighbours' places swapped; None for very short texts."""
    words = text.split()
    if len(words) < _MIN_WORDS:
        return None
    kept = [word for word in words if rng.random() >= DELETED_SHARE] or words
    if len(kept) >= 2:
        first, second = rng.choice(len(kept), size=2, replace=False)
        kept[first], kept[second] = kept[second], kept[first]
    return " ".join(kept)
