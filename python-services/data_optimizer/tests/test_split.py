from __future__ import annotations

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_optimizer import guard, split
from data_optimizer.tests.test_steps import table
from data_optimizer.tests.workplace import sentences
from wlops_ml.rows import content_ids

FILES = ("training", "validation", "test", "pool")


def _divided(rows: pl.DataFrame, seed: int = 7) -> pl.DataFrame:
    kept, _ = guard.purge(split.with_groups(rows, "classification"))
    return split.with_roles(kept, "classification", seed)


def _together(*tables: pl.DataFrame) -> pl.DataFrame:
    rows = pl.concat(tables)
    return rows.with_columns(
        pl.Series("id", content_ids(zip(rows["given"], rows["wanted"], strict=True)), dtype=pl.String)
    )


_ROWS = st.lists(
    st.tuples(
        st.text(alphabet="ab ?", min_size=1, max_size=7).filter(str.strip),
        st.sampled_from("xy"),
        st.sampled_from(FILES),
    ),
    min_size=1,
    max_size=40,
)


@given(_ROWS, st.integers(0, 5))
@settings(max_examples=80, deadline=None)
def test_no_group_and_no_text_is_in_two_roles_and_every_row_is_accounted_for(
    rows: list[tuple[str, str, str]], seed: int
) -> None:
    all_rows = _together(*(table([(text, label)], file) for text, label, file in rows))
    grouped = split.with_groups(all_rows, "classification")
    kept, removed = guard.purge(grouped)
    assert sorted(kept["id"].to_list() + removed["id"].to_list()) == sorted(all_rows["id"].to_list())
    divided = split.with_roles(kept, "classification", seed)
    assert divided["role"].null_count() == 0
    for column in ("group", "key"):
        assert divided.group_by(column).agg(pl.col("role").n_unique().alias("roles"))["roles"].max() == 1


@given(_ROWS)
@settings(max_examples=40, deadline=None)
def test_all_rows_of_the_users_test_file_stay_in_test(rows: list[tuple[str, str, str]]) -> None:
    all_rows = _together(*(table([(text, label)], file) for text, label, file in rows))
    divided = _divided(all_rows)
    tests = all_rows.filter(pl.col("file") == "test")["id"].to_list()
    if tests:
        assert sorted(divided.filter(pl.col("role") == "test")["id"].to_list()) == sorted(tests)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["training"], {"train": 700, "mine": 100, "select": 100, "test": 100}),
        (["training", "test"], {"train": 840, "mine": 80, "select": 80, "test": 300}),
        (["training", "validation"], {"train": 1000, "mine": 100, "select": 100, "test": 100}),
        (
            ["training", "validation", "test", "pool"],
            {"train": 1000, "mine": 150, "select": 150, "test": 300, "pool": 300},
        ),
    ],
)
def test_roles_get_their_shares(files: list[str], expected: dict[str, int]) -> None:
    texts = sentences(1900, 4)
    parts, start = [], 0
    for file in files:
        count = 1000 if file == "training" else 300
        parts.append(table([(text, "abc"[index % 3]) for index, text in enumerate(texts[start : start + count])], file))
        start += count
    counts = dict(_divided(_together(*parts)).group_by("role").len().iter_rows())
    assert set(counts) == set(expected)
    for role, count in expected.items():
        assert counts[role] == pytest.approx(count, abs=max(4, 0.03 * count))


@pytest.mark.parametrize(
    ("training", "pool", "expected"),
    [
        (6000, 8000, {"mine": 1000, "select": 1000, "pool": 6960}),  # as many as are wanted
        (1000, 1000, {"mine": 180, "select": 180, "pool": 800}),  # a tenth of the pool each and no more
        (13000, 1000, {"mine": 1040, "select": 1040, "pool": 1000}),  # the training file has enough
    ],
)
def test_where_the_training_file_is_too_small_for_them_held_out_rows_come_from_the_pool_too(
    training: int, pool: int, expected: dict[str, int]
) -> None:
    texts = [
        (f"text {number} {number * 7919} of {number * 104729}", "abc"[number % 3])
        for number in range(training + pool + 30)
    ]
    rows = [table(texts[:training]), table([*texts[training:-30], *((text, "new") for text, _ in texts[-30:])], "pool")]
    divided = _divided(_together(*rows, table([("a text of the test file", "a")], "test")))
    counts = dict(divided.group_by("role").len().iter_rows())
    for role, count in expected.items():
        assert counts[role] == pytest.approx(count, rel=0.05, abs=40)
    held_out = divided.filter(pl.col("role").is_in(["mine", "select"]))
    assert "new" not in held_out["wanted"].to_list()
    assert set(divided.filter(pl.col("role") == "train")["file"]) == {"training"}


def test_a_pool_group_that_also_has_labels_training_lacks_moves_as_a_whole() -> None:
    texts = sentences(700, 15)
    training = table([(text, "ab"[at % 2]) for at, text in enumerate(texts[:300])])
    pool = table([(text, label) for at, text in enumerate(texts[300:]) for label in ("ab"[at % 2], "new")], "pool")
    divided = _divided(_together(training, pool))
    assert divided.filter((pl.col("file") == "pool") & (pl.col("role") != "pool")).height > 20
    assert divided.group_by("group").agg(pl.col("role").n_unique().alias("roles"))["roles"].max() == 1


def test_with_a_validation_file_the_pool_stays_whole() -> None:
    texts = sentences(900, 14)
    parts = [(0, 500, "training"), (500, 600, "validation"), (600, 900, "pool")]
    rows = (table([(text, "ab"[at % 2]) for at, text in enumerate(texts[a:b])], file) for a, b, file in parts)
    divided = _divided(_together(*rows))
    assert set(divided.filter(pl.col("file") == "pool")["role"]) == {"pool"}


def test_every_class_is_trained_on_and_larger_ones_are_in_every_role() -> None:
    labels = ["rare"] + ["ten"] * 12 + ["many"] * 187
    divided = _divided(_together(table(list(zip(sentences(200, 5), labels, strict=True)))))
    roles = {label: set(divided.filter(pl.col("wanted") == label)["role"].to_list()) for label in set(labels)}
    assert roles["rare"] == {"train"}
    assert "train" in roles["ten"]
    assert roles["many"] == {"train", "mine", "select", "test"}


def test_the_split_depends_on_the_seed_and_not_on_the_order_of_rows() -> None:
    rows = _together(table([(text, "ab"[index % 2]) for index, text in enumerate(sentences(300, 6))]))
    first = dict(_divided(rows).select("id", "role").iter_rows())
    assert dict(_divided(rows.sample(fraction=1, shuffle=True, seed=1)).select("id", "role").iter_rows()) == first
    assert dict(_divided(rows, seed=8).select("id", "role").iter_rows()) != first


def test_near_duplicates_share_a_role() -> None:
    texts = sentences(150, 8)
    pairs = [(text, "a") for text in texts] + [(f"{text} ok", "a") for text in texts]
    random.Random(1).shuffle(pairs)
    divided = _divided(_together(table(pairs)))
    role_of = dict(divided.select("given", "role").iter_rows())
    joined = sum(role_of[text] == role_of[f"{text} ok"] for text in texts)
    assert joined == len(texts)


@pytest.mark.parametrize("copies", [60, 150, 400])
@pytest.mark.parametrize("seed", range(5))
def test_one_large_group_does_not_fill_a_held_out_role(copies: int, seed: int) -> None:
    texts = sentences(1000 - copies, 13)
    line = "where is the parcel that the courier promised to bring on Friday to the office in the old town"
    rows = [(text, "ab"[index % 2]) for index, text in enumerate(texts)] + [
        (f"{line} {index:03d}", "a") for index in range(copies)
    ]
    divided = _divided(_together(table(rows)), seed)
    others = divided.filter(~pl.col("given").str.starts_with("where is the parcel"))
    for role in ("mine", "select", "test"):
        assert divided.filter(pl.col("role") == role).height <= 100 + copies * (copies <= 100) / 10
        labels = others.filter(pl.col("role") == role)["wanted"].to_list()
        assert min(labels.count("a"), labels.count("b")) >= 15
    if copies > 100:
        assert set(divided.filter(pl.col("given").str.starts_with("where is the parcel"))["role"]) == {"train"}
        for label in "ab":
            assert others.filter((pl.col("role") == "train") & (pl.col("wanted") == label)).height >= 0.3 * len(texts)


def test_shares_are_of_rows_where_groups_differ_in_size() -> None:
    texts = sentences(400, 14)
    rows = [
        (f"{text}{end}", "ab"[at % 2])
        for at, text in enumerate(texts)
        for end in ("", "!", " ?", "...", " -")[: 1 + at % 5]
    ]
    divided = _divided(_together(table(rows)))
    counts = dict(divided.group_by("role").len().iter_rows())
    assert counts["train"] == pytest.approx(0.7 * len(rows), rel=0.02)
    for role in ("mine", "select", "test"):
        assert counts[role] == pytest.approx(0.1 * len(rows), rel=0.06)


def test_problems_that_differ_in_numbers_are_different_groups() -> None:
    text = "Ann has {} apples and buys some more of them at the market on the way home today"
    rows = table(
        [(text.format(12), "x"), (text.format(13), "x"), (text.format(12) + " x", "x")], task_type="generation"
    )
    grouped = split.with_groups(rows, "generation").sort("line")
    assert grouped["group"][0] == grouped["group"][2] != grouped["group"][1]
