"""Take doubted rows out of training where two classes are confused. The doubts are those of ``steps.label_issues``."""

from __future__ import annotations

import polars as pl

from data_optimizer.feedback.bench import Bench
from data_optimizer.recipe import PredicateSpec, RecipeEntry
from wlops_ml.features import Predicate, matches


def fix(bench: Bench, entry: RecipeEntry) -> int:
    """Drop the doubted training rows that the entry is about; answers how many."""
    dropped = doubted(bench, entry.predicate)
    bench.train = bench.train.filter(~pl.col("id").is_in(dropped))
    return len(dropped)


def doubted(bench: Bench, predicate: PredicateSpec | None) -> list[str]:
    """Ids of the doubted training rows of a slice; of all of them without one.

    A doubted row is one of the slice when it belongs to it as it is labelled and also as the model would label it: for a confused
    pair both labels are of that pair. For a slice by label, either label suffices.
    """
    return [
        row["id"]
        for row in bench.train.iter_rows(named=True)
        if row["id"] in bench.suspects and _concerned(row, predicate, bench)
    ]


def _concerned(row: dict[str, str], wanted: PredicateSpec | None, bench: Bench) -> bool:
    if wanted is None:
        return True
    predicate = Predicate(wanted.feature, wanted.value)
    as_given = {**row, "text": row["given"], "label": row["wanted"]}
    as_expected = {**as_given, "label": bench.suspects[row["id"]]}
    both = (matches(as_given, predicate, bench.task_type), matches(as_expected, predicate, bench.task_type))
    return any(both) if predicate.feature == "label" else all(both)
