from __future__ import annotations

import polars as pl

from data_optimizer.steps.balance import capped
from data_optimizer.tests.test_steps import table
from data_optimizer.tests.workplace import sentences

ROWS = table([(text, "ab"[index % 3 > 0]) for index, text in enumerate(sentences(90, 1))])


def test_without_a_cap_all_rows_stay() -> None:
    kept, removed = capped(ROWS, 7)
    assert kept.equals(ROWS)
    assert removed.height == 0


def test_a_class_keeps_as_many_rows_as_its_cap_whatever_their_order() -> None:
    kept, removed = capped(ROWS, 7, per_class=20)
    assert dict(kept.group_by("wanted").len().iter_rows()) == {"a": 20, "b": 20}
    assert set(removed["reason"]) == {"more rows than the cap of a class"}
    shuffled, _ = capped(ROWS.sample(fraction=1, shuffle=True, seed=3), 7, per_class=20)
    assert set(shuffled["id"]) == set(kept["id"])
    assert set(capped(ROWS, 8, per_class=20)[0]["id"]) != set(kept["id"])


def test_new_rows_go_before_those_that_are_there() -> None:
    kept, _ = capped(ROWS, 7, per_class=20, new=45)
    old = set(ROWS.head(45)["id"])
    assert dict(kept.group_by("wanted").len().iter_rows()) == {"a": 20, "b": 20}
    labels = ROWS.head(45).group_by("wanted").len().iter_rows()
    assert sum(row in old for row in kept["id"]) == sum(min(20, rows) for _, rows in labels)
    grouped = ROWS.with_columns(group=pl.Series([f"g{index % 45}" for index in range(90)]))
    assert set(capped(grouped, 7, per_group=1, new=45)[0]["id"]) == old


def test_of_a_group_its_representative_stays_and_counts_once_in_its_class() -> None:
    grouped = ROWS.sort("id").with_columns(group=pl.Series([f"g{index // 3}" for index in range(90)]))
    kept, removed = capped(grouped, 7, per_group=1)
    assert kept["id"].to_list() == grouped["id"].to_list()[::3]
    assert set(removed["reason"]) == {"more rows than the cap of a group"}
    both, _ = capped(grouped, 7, per_group=1, per_class=5)
    assert both.height == 10
    assert set(both["id"]) <= set(kept["id"])
