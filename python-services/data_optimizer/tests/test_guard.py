from __future__ import annotations

from data_optimizer import split
from data_optimizer.guard import GuardIndex, Overlaps, count_overlaps, purge
from data_optimizer.tests.test_split import _together
from data_optimizer.tests.test_steps import table
from data_optimizer.tests.workplace import sentences
from wlops_ml.near_duplicates import jaccard

TEXTS = sentences(60, 11)


def test_overlaps_count_test_rows_and_the_training_copies_go() -> None:
    training = table([*((text, "a") for text in TEXTS), (TEXTS[0].upper(), "a")])
    test = table([(f"{TEXTS[0]}!", "a"), (f"{TEXTS[1]} ok", "a"), ("something else entirely here", "a")], "test")
    rows = split.with_groups(_together(training, test), "classification")
    overlaps = count_overlaps(rows)
    assert (overlaps.exact, overlaps.near) == (1, 1)
    kept, removed = purge(rows)
    assert kept.filter(kept["file"] == "test").height == 3
    assert sorted(removed.select("line", "reason").rows()) == [
        (1, "copy of a row in the test file"),
        (2, "near copy of a row in the test file"),
        (61, "copy of a row in the test file"),
    ]


def test_a_row_that_is_near_only_another_test_row_goes_from_training_with_its_group_but_is_no_overlap() -> None:
    words = "the parcel with the blue kettle that I sent to my mother for her birthday has got stuck in the depot again"
    near, further = f"{words} today", f"{words} today at noon"
    assert jaccard(words, near) >= 0.9 > jaccard(words, further)
    assert jaccard(near, further) >= 0.9
    test = table([(near, "a"), (further, "a"), (near.upper(), "a")], "test")
    rows = split.with_groups(_together(table([(words, "a")]), test), "classification")
    assert rows["group"].n_unique() == 1
    assert count_overlaps(rows) == Overlaps(exact=0, near=2)
    assert purge(rows)[0]["file"].to_list() == ["test"] * 3


def test_of_copies_between_files_the_most_held_out_one_stays() -> None:
    files = ("training", "pool", "validation", "test")
    rows = split.with_groups(_together(*(table([(TEXTS[0], "a")], file) for file in files)), "classification")
    assert purge(rows)[0]["file"].to_list() == ["test"]
    rows = split.with_groups(
        _together(*(table([(TEXTS[0], "a")], file) for file in ("training", "pool"))), "classification"
    )
    assert purge(rows)[0]["file"].to_list() == ["training"]


def test_the_index_refuses_copies_and_near_copies_and_survives_its_file() -> None:
    index = GuardIndex.from_parquet(GuardIndex.of(TEXTS).to_parquet())
    asked = [TEXTS[3].upper() + "?", f"{TEXTS[4]} ok", *sentences(40, 12)]
    assert index.refuses(asked, "classification") == [True, True] + [False] * 40


def test_the_index_of_problems_refuses_only_equal_numbers() -> None:
    problem = "Ann has {} apples and buys {} more of them at the market on the way home. How many does she have?"
    index = GuardIndex.of([problem.format(12, 30)])
    assert index.refuses([problem.format(12, 30) + " Hm", problem.format(13, 30) + " Hm"], "generation") == [
        True,
        False,
    ]


def test_the_index_refuses_a_copy_whose_numbers_are_only_punctuated_otherwise() -> None:
    problem = "A town of {} people grows by 12 every week, as many as it did before. How many live there in a year?"
    index = GuardIndex.of([problem.format("1 200")])
    assert index.refuses([problem.format("1,200")], "generation") == [True]


def test_the_index_holds_no_text() -> None:
    data = GuardIndex.of(TEXTS).to_parquet()
    assert not any(word.encode() in data for word in TEXTS[0].split() if len(word) > 3 and word != "number")


def test_an_empty_index_refuses_nothing() -> None:
    assert GuardIndex.from_parquet(GuardIndex.of([]).to_parquet()).refuses(["x"], "generation") == [False]
