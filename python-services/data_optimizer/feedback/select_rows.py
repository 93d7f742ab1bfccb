"""Take rows from the user's reserve pool: those of which the champion is least sure, spread over classes and groups.

Margin sampling (Scheffer et al. 2001), by the champion's own margins where the evaluator gave them, else by a quick model's. Rows
like the bad cases, rows the model gets wrong and rows of high loss were tried and did worse: the first is no better than chance, and
with wrong labels in the pool the others take those first.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import polars as pl

from data_optimizer.feedback.bench import Bench
from data_optimizer.recipe import RecipeEntry

#: At most this multiple of an even share per predicted class.
_CLASS_CAP = 3


def choose(bench: Bench, entry: RecipeEntry) -> list[str]:
    """Ids of at most ``entry.rows`` pool rows, in the order of choice."""
    pool = bench.pool.sort("id")
    if pool.height == 0 or entry.rows == 0:
        return []
    ranked = None if entry.random else _by_margin(bench, pool)
    if ranked is None:
        slice_rows = pool if entry.random else bench.matching(pool, entry.predicate)
        pool = slice_rows if slice_rows.height else pool
        order, predicted, cap = _at_random(bench, entry, pool), [""] * pool.height, entry.rows
    else:
        order, predicted = ranked
        cap = math.ceil(entry.rows / max(1, len(set(predicted))) * _CLASS_CAP)
    ids, groups, labels = (pool[name].to_list() for name in ("id", "group", "wanted"))
    room = bench.room()
    chosen: list[str] = []
    per_class: dict[str, int] = {}
    used_groups: set[str] = set()
    for index in order:
        if len(chosen) >= entry.rows:
            break
        if groups[index] in used_groups or per_class.get(predicted[index], 0) >= cap:
            continue
        if room is not None:
            left = room.get(labels[index], entry.rows)
            if left <= 0:
                continue
            room[labels[index]] = left - 1
        used_groups.add(groups[index])
        per_class[predicted[index]] = per_class.get(predicted[index], 0) + 1
        chosen.append(ids[index])
    return chosen


def move(bench: Bench, entry: RecipeEntry) -> int:
    """Move the entry's rows from the pool to training; answers how many were still there."""
    moved = bench.pool.filter(pl.col("id").is_in(entry.row_ids))
    bench.pool = bench.pool.filter(~pl.col("id").is_in(entry.row_ids))
    bench.train = pl.concat(
        [bench.train, moved.with_columns(pl.lit("select").alias("source"), pl.lit("train").alias("role"))]
    )
    return moved.height


def _at_random(bench: Bench, entry: RecipeEntry, pool: pl.DataFrame) -> list[int]:
    seed = f"{bench.seed}:{entry.id}" if entry.random else str(bench.seed)
    keys = [hashlib.sha256(f"{seed}:{row_id}".encode()).digest() for row_id in pool["id"].to_list()]
    return sorted(range(pool.height), key=lambda index: keys[index])


def _by_margin(bench: Bench, pool: pl.DataFrame) -> tuple[list[int], list[str]] | None:
    """Pool row numbers, least sure first, and the predicted class of each pool row; None where no model can be asked."""
    told = [bench.margins.get(row_id) for row_id in pool["id"].to_list()]
    if bench.margins and any(told):
        known = [one or (1.0, "") for one in told]  # rows the champion was not asked about come last
        return np.argsort([margin for margin, _ in known], kind="stable").tolist(), [label for _, label in known]
    proxy = bench.proxies.fit(bench.train, bench.seed) if bench.proxies else None
    if proxy is None:
        return None
    margins, places = proxy.margins(pool)
    answers = proxy.answers
    predicted = [answers[place] for place in places]
    return np.argsort(margins, kind="stable").tolist(), predicted
