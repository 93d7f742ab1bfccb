from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from wlops_ml import rows


def _table(count: int = 50) -> pl.DataFrame:
    pairs = [(f"text number {index % 40}", "a" if index % 2 else "b") for index in range(count)]
    ids = rows.content_ids(pairs)
    return rows.frame(
        (
            {
                "id": row_id,
                "text": text,
                "label": label,
                "group": row_id,
                "source": "original",
                "line": line,
                "meta": "{}",
            }
            for line, (row_id, (text, label)) in enumerate(zip(ids, pairs, strict=True), 1)
        ),
        "classification",
    )


def test_rows_come_back_as_they_were_written_sorted_by_id() -> None:
    table = _table()
    read = rows.from_parquet(rows.to_parquet(table, "classification"))
    assert read.equals(table.sort("id"))


def test_the_same_rows_give_the_same_bytes_in_whatever_order_they_come() -> None:
    table = _table()
    assert rows.to_parquet(table, "classification") == rows.to_parquet(
        table.sample(fraction=1, shuffle=True, seed=5), "classification"
    )


def test_an_id_depends_on_normalised_content_alone() -> None:
    assert rows.content_id("Where is my card?", "Card") == rows.content_id("where is MY card", "card")
    assert rows.content_id("a b", "c") != rows.content_id("a", "b c")


def test_equal_rows_get_numbered_ids_that_go_on_over_files() -> None:
    taken: dict[str, int] = {}
    first = rows.content_ids([("x", "y"), ("X!", "y")], taken)
    (third,) = rows.content_ids([("x", "y")], taken)
    base = rows.content_id("x", "y")
    assert [*first, third] == [base, f"{base}-2", f"{base}-3"]
    assert len(base) == 16


def test_two_rows_with_one_id_are_refused() -> None:
    table = _table(3)
    with pytest.raises(ValueError, match="share one id"):
        rows.to_parquet(pl.concat([table, table]), "classification")


def test_a_file_that_is_no_row_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a Parquet file"):
        rows.from_parquet(b"nothing of the kind")
    other = tmp_path / "other.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(other)
    with pytest.raises(ValueError, match="columns a"):
        rows.from_parquet(other)


def test_absent_columns_are_null_in_generation_rows() -> None:
    table = rows.frame(
        [{"id": "1", "prompt": "p", "completion": "c", "group": "1", "source": "original", "meta": "{}"}], "generation"
    )
    assert table.row(0, named=True)["target"] is None
    assert rows.task_type_of(table) == "generation"
    assert rows.from_parquet(rows.to_parquet(table, "generation")).equals(table)
