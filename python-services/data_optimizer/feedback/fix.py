"""Take doubted rows out of training where the model errs. The doubts are those of ``steps.label_issues``.

With few rows per class most doubts are the doubting model's own errors, so the trial decides whether the rows go (``trial``).
"""

from __future__ import annotations

import polars as pl

from data_optimizer.feedback.bench import Bench
from data_optimizer.recipe import PredicateSpec, RecipeEntry
from wlops_ml.features import Predicate, matches


def suspects_of(bench: Bench, entry: RecipeEntry) -> list[str]:
    """Ids of the training rows that the entry takes out: the doubted ones it is about, or as many at random."""
    if not entry.random:
        return doubted(bench, entry.predicate)
    ids = bench.train.sort("id")["id"].to_list()
    return sorted(ids[index] for index in bench.rng(entry).permutation(len(ids))[: entry.rows])


def drop(bench: Bench, entry: RecipeEntry) -> int:
    """Take the entry's rows out of training; answers how many were still there."""
    before = bench.train.height
    bench.train = bench.train.filter(~pl.col("id").is_in(entry.row_ids))
    return before - bench.train.height


def doubted(bench: Bench, predicate: PredicateSpec | None) -> list[str]:
    """Ids of the doubted training rows of a slice; of all of them without one.

    A doubted row is one of the slice when it belongs to it as it is labelled and also as the model would label it: for a confused
    pair both labels are of that pair. For a slice by label, either label suffices.
    """
    return sorted(
        row["id"]
        for row in bench.train.iter_rows(named=True)
        if row["id"] in bench.suspects and _concerned(row, predicate, bench)
    )


def _concerned(row: dict[str, str], wanted: PredicateSpec | None, bench: Bench) -> bool:
    if wanted is None:
        return True
    predicate = Predicate(wanted.feature, wanted.value)
    as_given = {**row, "text": row["given"], "label": row["wanted"]}
    as_expected = {**as_given, "label": bench.suspects[row["id"]]}
    both = (matches(as_given, predicate, bench.task_type), matches(as_expected, predicate, bench.task_type))
    return any(both) if predicate.feature == "label" else all(both)
