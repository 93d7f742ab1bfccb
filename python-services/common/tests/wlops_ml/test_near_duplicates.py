from __future__ import annotations

import itertools
import random
import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wlops_ml.near_duplicates import connected_groups, jaccard, near_duplicate_pairs, signatures

WORDS = [
    "card",
    "money",
    "transfer",
    "late",
    "refund",
    "cash",
    "account",
    "pending",
    "top",
    "up",
    "fee",
    "why",
    "how",
    "when",
    "exchange",
    "rate",
    "abroad",
    "lost",
    "stolen",
    "new",
    "pin",
]


def _sentences(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(4, 12))) for _ in range(count)]


@given(st.lists(st.text(alphabet="abc ,?", max_size=14), max_size=25), st.sampled_from([0.5, 0.7, 0.9]))
@settings(max_examples=60, deadline=None)
def test_every_pair_found_is_a_true_one(texts: list[str], threshold: float) -> None:
    for i, j in near_duplicate_pairs(texts, threshold):
        assert i < j
        assert jaccard(texts[i], texts[j]) >= threshold


def test_all_pairs_above_the_threshold_are_found() -> None:
    base = _sentences(300, 1)
    texts = base + [f"{text} x" for text in base[:150]]
    found = connected_groups(len(texts), near_duplicate_pairs(texts, 0.9))
    for i, j in itertools.combinations(range(len(texts)), 2):
        if jaccard(texts[i], texts[j]) >= 0.9:
            assert found[i] == found[j]


def test_rows_with_different_keys_are_never_paired() -> None:
    texts = [
        "Tom has 12 apples and buys some more of them today",
        "Tom has 13 apples and buys some more of them today",
    ] * 2
    assert jaccard(texts[0], texts[1]) > 0.7
    assert near_duplicate_pairs(texts, 0.7, keys=["12", "13", "12", "13"]).tolist() == [[0, 2], [1, 3]]


def test_copies_join_one_group_over_their_first() -> None:
    pairs = near_duplicate_pairs(["Same text.", "other thing", "same TEXT", "same text!"], 0.9)
    assert connected_groups(4, pairs).tolist() == [0, 1, 0, 0]


def test_groups_join_over_others_and_name_the_lowest() -> None:
    assert connected_groups(5, np.array([[3, 4], [1, 3]])).tolist() == [0, 1, 2, 1, 1]


def test_signatures_do_not_depend_on_what_else_is_signed() -> None:
    texts = _sentences(500, 2)
    assert (signatures(texts)[37] == signatures([texts[37]])[0]).all()


def test_tens_of_thousands_of_rows_take_seconds() -> None:
    texts = [f"{a} {b}" for a, b in zip(_sentences(20_000, 3), _sentences(20_000, 4), strict=True)]
    started = time.perf_counter()
    near_duplicate_pairs(texts, 0.9)
    assert time.perf_counter() - started < 30


def test_many_alike_texts_do_not_make_quadratic_work() -> None:
    texts = [
        f"the very same long sentence about a card that has not come yet number {index:05d}" for index in range(6_000)
    ]
    started = time.perf_counter()
    pairs = near_duplicate_pairs(texts, 0.9)
    assert time.perf_counter() - started < 30
    assert len(pairs) < len(texts) * 14 * 32
