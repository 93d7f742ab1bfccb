"""Which held-out rows stand in the training rows."""

from __future__ import annotations

import random
import time

from wlops_ml.overlap import overlaps

LONG = "the parcel with the blue kettle that I sent to my mother for her birthday has got stuck in the depot again"
PROBLEM = "Ann has {} apples and buys {} more of them at the market on the way home. How many does she have?"


def test_copies_and_near_copies_are_told_apart() -> None:
    training = [LONG.upper() + "!", "where is my card", f"{LONG} today"]
    held_out = [LONG, f"{LONG} today ok", "Where is my card?", "how do I close my account"]
    assert overlaps(held_out, [training], "classification") == ["exact", "near", "exact", None]


def test_blocks_and_repeats_make_no_difference() -> None:
    training = [LONG, f"{LONG} today", "where is my card"]
    held_out = [f"{LONG} today ok", LONG, "something else entirely"]
    once = overlaps(held_out, [training], "classification")
    assert (
        overlaps(held_out, [[text] * 40 for text in reversed(training)], "classification")
        == once
        == ["near", "exact", None]
    )


def test_problems_with_other_numbers_are_other_problems() -> None:
    training = [PROBLEM.format(12, 30) + " Hm", PROBLEM.format(12, 31)]
    assert overlaps([PROBLEM.format(12, 30), PROBLEM.format(13, 30)], [training], "generation") == ["near", None]


def test_nothing_overlaps_with_nothing() -> None:
    assert overlaps(["a"], [], "generation") == [None]
    assert overlaps(["a"], [[]], "generation") == [None]
    assert overlaps([], [["a"]], "classification") == []


def test_ten_thousand_training_rows_are_checked_within_seconds() -> None:
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(3, 9))) for _ in range(800)]
    texts = [" ".join(draw.choices(words, k=12)) for _ in range(13_000)]
    held_out = [*texts[10_000:12_975], *(text.upper() for text in texts[:25])]
    began = time.process_time()
    found = overlaps(held_out, [texts[:10_000]], "classification")
    assert (found.count("exact"), found.count("near")) == (25, 0)
    assert time.process_time() - began < 8  # 0.5 s on an idle core
