"""Take doubted rows out of training where the model errs. The doubts are those of ``steps.label_issues``.

With few rows per class most doubts are the doubting model's own errors, so a quick model first tries on ``mine`` whether it does as well
without these rows. Not covered: giving them another label, which did worse than dropping them when it was measured.
"""

from __future__ import annotations

import math

import polars as pl

from data_optimizer.feedback.bench import Bench
from data_optimizer.feedback.proxy import fit
from data_optimizer.recipe import PredicateSpec, RecipeEntry
from wlops_ml.features import Predicate, matches


def fix(bench: Bench, entry: RecipeEntry) -> int:
    """Drop the doubted training rows that the entry is about; answers how many."""
    dropped = doubted(bench, entry.predicate)
    bench.train = bench.train.filter(~pl.col("id").is_in(dropped))
    return len(dropped)


def passes_trial(bench: Bench, predicate: PredicateSpec | None) -> bool:
    """Whether there are doubted rows, and a quick model does as well on ``mine`` without them.

    Without a slice nothing but the doubts speaks for dropping rows: then it must do better, by more than one standard error.
    """
    dropped = doubted(bench, predicate)
    kept = bench.train.filter(~pl.col("id").is_in(dropped))
    if not dropped or kept["wanted"].n_unique() < bench.train["wanted"].n_unique():
        return False
    before, after = _right(bench.train, bench), _right(kept, bench)
    gained, lost = len(after - before), len(before - after)
    return gained - lost > math.sqrt(gained + lost) if predicate is None else gained >= lost


def _right(train: pl.DataFrame, bench: Bench) -> set[int]:
    """Which ``mine`` rows a quick model of these training rows gets right."""
    predicted = fit(train, bench.seed).predict(bench.mine["given"].to_list())
    pairs = zip(predicted, bench.mine["wanted"].to_list(), strict=True)
    return {row for row, (label, wanted) in enumerate(pairs) if label == wanted}


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
