"""Show the model rows of a failing slice more often: plain copies of original training rows, at most one of each row and entry.

Weighing hard rows up can cost more than it brings (JTT-like weights on data of many classes did, when measured), so this is for slices
that training has too few of, and the trial decides (``trial``).
"""

from __future__ import annotations

import polars as pl

from data_optimizer.feedback.bench import Bench
from data_optimizer.recipe import RecipeEntry

SOURCE = "replay"


def replay(bench: Bench, entry: RecipeEntry, limit: int) -> int:
    """Add at most ``limit`` copies to the training rows, of rows drawn without replacement; answers how many."""
    originals = bench.originals()
    fitting = (originals if entry.random else bench.matching(originals, entry.predicate)).sort("id")
    drawn = sorted(bench.rng(entry).permutation(fitting.height)[:limit].tolist())
    copies = fitting[drawn].with_columns(
        pl.concat_str("id", pl.lit(f"-r{entry.iteration}")).alias("id"), pl.lit(SOURCE).alias("source")
    )
    copies = copies.filter(~pl.col("id").is_in(bench.train["id"].to_list()))
    bench.train = pl.concat([bench.train, copies])
    return copies.height
