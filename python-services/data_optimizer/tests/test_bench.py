from __future__ import annotations

import polars as pl

from data_optimizer.feedback.bench import Bench
from data_optimizer.guard import GuardIndex
from data_optimizer.recipe import PredicateSpec
from data_optimizer.tests.test_steps import table
from data_optimizer.tests.workplace import sentences

TEXTS = sentences(30, 51)


def _bench() -> Bench:
    rows = table([(text, "ab"[index % 2]) for index, text in enumerate(TEXTS[:10])])
    sealed, mine = GuardIndex.of(TEXTS[10:15]), GuardIndex.of(TEXTS[15:20])
    return Bench("classification", rows, rows.clear(), rows.clear(), [sealed, mine], {}, seed=7)


def test_copies_and_near_copies_of_sealed_and_mine_rows_are_refused_and_counted() -> None:
    bench = _bench()
    drafts = [(TEXTS[10].upper(), "a", ""), (f"{TEXTS[11]} ok", "a", ""), (TEXTS[15], "a", ""), (TEXTS[20], "a", "")]
    assert bench.accept(drafts, "generate", 10) == 1
    assert bench.refused == 3
    assert bench.train.filter(pl.col("source") == "generate")["given"].to_list() == [TEXTS[20]]


def test_rows_that_are_there_already_and_rows_beyond_the_limit_are_not_added() -> None:
    bench = _bench()
    drafts = [
        (TEXTS[0], "a", ""),
        (TEXTS[20], "a", ""),
        (TEXTS[20], "a", ""),
        (TEXTS[21], "b", "g"),
        (TEXTS[22], "b", ""),
    ]
    assert bench.accept(drafts, "augment", 2) == 2
    made = bench.train.filter(pl.col("source") == "augment")
    assert made["given"].to_list() == TEXTS[20:22]
    assert made["group"].to_list() == [made["id"][0], "g"]
    assert bench.train["id"].n_unique() == bench.train.height


def test_a_predicate_names_rows_and_none_names_all() -> None:
    bench = _bench()
    assert bench.matching(bench.train, PredicateSpec(feature="label", value="a")).height == 5
    assert bench.matching(bench.train, None).height == 10
