"""Exact and near duplicates within one role, and texts that carry several labels.

Not covered: copies between roles (``guard``). Pairs come from ``wlops_ml.near_duplicates`` and are verified.
"""

from __future__ import annotations

from collections import Counter

import polars as pl

from data_optimizer.journal import Outcome, removal
from wlops_common.contracts import TaskType
from wlops_ml.near_duplicates import near_repeats
from wlops_ml.text import match_key

#: Short texts of one topic are alike: below this similarity they are mostly different questions (banking77: 0.7 joins 5 % unlike labels).
NEAR_DUPLICATE_SIMILARITY = 0.9


def without_exact_duplicates(rows: pl.DataFrame, task_type: TaskType) -> Outcome:
    """Keep the first row of each content in file order; of one text with several labels, the rows of the majority's label.

    Without a majority all rows of that text go. For generation, different completions of one prompt are all kept.
    """
    ordered = rows.sort("file", "line", "id", nulls_last=True)
    winner = _majority_labels(ordered) if task_type == "classification" else {}
    seen: set[tuple[str, str]] = set()
    reasons: list[str | None] = []
    for key, wanted in zip(ordered["key"].to_list(), ordered["wanted"].to_list(), strict=True):
        content = (key, wanted if task_type == "classification" else match_key(wanted))
        if key in winner and winner[key] != wanted:
            reasons.append("same text, other label")
        elif content in seen:
            reasons.append("duplicate")
        else:
            seen.add(content)
            reasons.append(None)
    return removal(ordered, reasons)


def _majority_labels(rows: pl.DataFrame) -> dict[str, str | None]:
    """For each key with several labels the one that more rows carry than any other, or None."""
    votes: dict[str, Counter[str]] = {}
    for key, label in zip(rows["key"].to_list(), rows["wanted"].to_list(), strict=True):
        votes.setdefault(key, Counter())[label] += 1
    winners: dict[str, str | None] = {}
    for key, counts in votes.items():
        if len(counts) > 1:
            (first, most), (_, second) = counts.most_common(2)
            winners[key] = first if most > second else None
    return winners


def without_near_duplicates(rows: pl.DataFrame, task_type: TaskType) -> Outcome:
    """Drop a row that is nearly an earlier kept one with the same output and the same numbers.

    Two problems with different numbers are different problems, however alike their words.
    """
    ordered = rows.sort("file", "line", "id", nulls_last=True)
    wanted = ordered["wanted"].to_list()
    answers = wanted if task_type == "classification" else [""] * len(wanted)
    keys = list(zip(answers, ordered["numbers"].to_list(), strict=True))
    # Equal prompts of different completions are different rows of a generation task.
    texts, copies = ordered["given"].to_list(), task_type == "classification"
    dropped = near_repeats(texts, NEAR_DUPLICATE_SIMILARITY, keys, copies=copies)
    return removal(ordered, ["near-duplicate" if index in dropped else None for index in range(ordered.height)])
