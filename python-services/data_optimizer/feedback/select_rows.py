"""Take rows from the user's reserve pool: those on which a quick linear model is least sure, spread over classes and groups.

Margin sampling (Scheffer et al. 2001). Choosing rows like the bad cases instead did worse than chance when it was measured.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import polars as pl

from data_optimizer.feedback.bench import Bench
from data_optimizer.feedback.proxy import fit
from data_optimizer.recipe import RecipeEntry

#: At most this multiple of an even share per predicted class.
_CLASS_CAP = 3


def choose(bench: Bench, entry: RecipeEntry) -> list[str]:
    """Ids of at most ``entry.rows`` pool rows, in the order of choice."""
    pool = bench.pool.sort("id")
    if pool.height == 0 or entry.rows == 0:
        return []
    if bench.task_type == "classification":
        order, predicted = _by_margin(bench.train, pool, bench.seed)
        cap = math.ceil(entry.rows / max(1, len(set(predicted))) * _CLASS_CAP)
    else:
        slice_rows = bench.matching(pool, entry.predicate)
        pool = slice_rows if slice_rows.height else pool
        order = sorted(
            range(pool.height), key=lambda index: hashlib.sha256(f"{bench.seed}:{pool['id'][index]}".encode()).digest()
        )
        predicted, cap = [""] * pool.height, entry.rows
    ids, groups = pool["id"].to_list(), pool["group"].to_list()
    chosen: list[str] = []
    per_class: dict[str, int] = {}
    used_groups: set[str] = set()
    for index in order:
        if len(chosen) >= entry.rows:
            break
        if groups[index] in used_groups or per_class.get(predicted[index], 0) >= cap:
            continue
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


def _by_margin(train: pl.DataFrame, pool: pl.DataFrame, seed: int) -> tuple[list[int], list[str]]:
    """Pool row numbers, least sure first, and the predicted class of each pool row."""
    proxy = fit(train, seed)
    probabilities = proxy.probabilities(pool["given"].to_list())
    best = np.sort(probabilities, axis=1)
    margins = best[:, -1] - best[:, -2] if probabilities.shape[1] > 1 else best[:, -1]
    predicted = [proxy.classes[index] for index in probabilities.argmax(axis=1)]
    return np.argsort(margins, kind="stable").tolist(), predicted
