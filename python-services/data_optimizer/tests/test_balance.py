from __future__ import annotations

import polars as pl
import pytest

from data_optimizer.steps import balance
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


def test_of_new_rows_those_go_that_are_too_many_beside_the_rows_that_are_there() -> None:
    kept, removed = capped(ROWS, 7, per_class=20, new=45)
    assert kept.head(45).equals(ROWS.head(45))
    assert dict(kept.group_by("wanted").len().iter_rows()) == {"a": 20, "b": 30}
    assert dict(removed.group_by("wanted").len().iter_rows()) == {"a": 10, "b": 30}
    grouped = ROWS.with_columns(group=pl.Series([f"g{index % 45}" for index in range(90)]))
    assert capped(grouped, 7, per_group=1, new=45)[0].equals(grouped.head(45))
    assert capped(grouped, 7, per_group=2, new=45)[0].equals(grouped)
    assert capped(ROWS, 7, per_class=1, per_group=1, new=0)[0].equals(ROWS)


def test_only_new_rows_are_put_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a million rows that are there all would be hashed again after each entry of each trial."""
    asked: list[str] = []

    def noted(_: int, name: str) -> int:
        asked.append(name)
        return len(asked)

    monkeypatch.setattr(balance, "_chance", noted)
    capped(ROWS, 7, per_class=20, new=5)
    assert asked == ROWS.tail(5)["id"].to_list()


def test_of_a_group_its_representative_stays_and_counts_once_in_its_class() -> None:
    grouped = ROWS.sort("id").with_columns(group=pl.Series([f"g{index // 3}" for index in range(90)]))
    kept, removed = capped(grouped, 7, per_group=1)
    assert kept["id"].to_list() == grouped["id"].to_list()[::3]
    assert set(removed["reason"]) == {"more rows than the cap of a group"}
    both, _ = capped(grouped, 7, per_group=1, per_class=5)
    assert both.height == 10
    assert set(both["id"]) <= set(kept["id"])
