from __future__ import annotations

import itertools
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wlops_ml import kept_texts, near_duplicates
from wlops_ml.connected import connected_groups
from wlops_ml.near_duplicates import (
    jaccard,
    near_duplicate_groups,
    near_repeats,
    nearly_among,
    signatures,
)
from wlops_ml.text import match_key

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


_TEXTS = st.lists(st.text(alphabet="abc ,?", max_size=14), max_size=25)


def _joined_by_hand(texts: list[str], threshold: float, keys: list[str] | None = None) -> list[int]:
    pairs = [
        (i, j)
        for i, j in itertools.combinations(range(len(texts)), 2)
        if jaccard(texts[i], texts[j]) >= threshold and (keys is None or keys[i] == keys[j])
    ]
    groups = connected_groups(len(texts), np.array(pairs, dtype=np.int64).reshape(-1, 2))
    return [int(group) for group in groups]


@given(_TEXTS, st.sampled_from([0.5, 0.7, 0.9]))
@settings(max_examples=60, deadline=None)
def test_only_texts_that_true_pairs_join_are_in_one_group(texts: list[str], threshold: float) -> None:
    expected = _joined_by_hand(texts, threshold)
    for row, lowest in enumerate(near_duplicate_groups(texts, threshold).tolist()):
        assert lowest <= row
        assert expected[row] == expected[lowest]


@given(_TEXTS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_repeat_is_nearly_an_earlier_text_that_stays(texts: list[str], copies: bool) -> None:
    repeats = near_repeats(texts, 0.7, copies=copies)
    for row in repeats:
        assert any(jaccard(texts[row], texts[other]) >= 0.7 for other in range(row) if other not in repeats)
    if copies:
        stay = {match_key(text) for row, text in enumerate(texts) if row not in repeats}
        assert len(stay) == len(texts) - len(repeats)


def test_all_pairs_above_the_threshold_are_found() -> None:
    base = _sentences(300, 1)
    texts = base + [f"{text} x" for text in base[:150]]
    assert near_duplicate_groups(texts, 0.9).tolist() == _joined_by_hand(texts, 0.9)


def test_rows_with_different_keys_are_never_joined() -> None:
    texts = [
        "Tom has 12 apples and buys some more of them today",
        "Tom has 13 apples and buys some more of them today",
    ] * 2
    assert jaccard(texts[0], texts[1]) > 0.7
    assert near_duplicate_groups(texts, 0.7, keys=["12", "13", "12", "13"]).tolist() == [0, 1, 0, 1]
    assert near_repeats(texts, 0.7, keys=["12", "13", "12", "13"]) == {2, 3}
    assert near_repeats(texts, 0.7, keys=["12", "13", "12", "13"], copies=False) == set()


def test_a_text_that_resembles_only_a_repeat_stays() -> None:
    words = "the parcel with the blue kettle for my mother has got stuck in the depot again"
    texts = [words, f"{words} now", f"{words} now too"]
    threshold = jaccard(texts[0], texts[1])
    assert jaccard(texts[1], texts[2]) >= threshold > jaccard(texts[0], texts[2])
    assert near_repeats(texts, threshold) == {1}
    assert near_duplicate_groups(texts, threshold).tolist() == [0, 0, 0]


def _orders(seed: int) -> list[str]:
    """640 texts of one template in chance order, of which most resemble others by a chain, and 200 of them with a word more."""
    names = ["Tom", "Ann", "Ben", "Eva", "Max", "Lea", "Ida", "Jon", "Kim", "Roy"]
    things = ["cup", "hat", "pen", "bag", "mug", "toy", "map", "key"]
    places = ["Rome", "Bonn", "York", "Lyon", "Bern", "Oslo", "Riga", "Kiev"]
    draw = random.Random(seed)
    texts = [
        f"my name is {name} and I have ordered a {thing} to be sent to {place} but nobody has told me when it will be there "
        "and I would like to know what has become of it"
        for name, thing, place in itertools.product(names, things, places)
    ]
    draw.shuffle(texts)
    return texts + [f"{text} today" for text in draw.sample(texts, 200)]


def _sliding_texts(count: int) -> list[str]:
    """Texts of which each resembles its neighbours, and the first not the last."""
    words = [f"{a}{b}" for a, b in itertools.product(WORDS, WORDS)]
    return [" ".join(words[start : start + 40]) for start in range(count)]


def _staying(texts: list[str], threshold: float) -> list[str]:
    repeats = near_repeats(texts, threshold)
    return [text for row, text in enumerate(texts) if row not in repeats]


def _close_pairs(texts: list[str], threshold: float) -> int:
    return sum(jaccard(a, b) >= threshold for a, b in itertools.combinations(texts, 2))


@pytest.mark.parametrize("seed", [1, 2])
def test_no_two_texts_of_a_template_that_stay_are_near_repeats_of_each_other(seed: int) -> None:
    texts = _orders(seed)
    assert len(set(near_duplicate_groups(texts, 0.9).tolist())) == 1
    staying = _staying(texts, 0.9)
    assert _close_pairs(staying, 0.9) == 0
    assert 80 < len(staying) < 200


def test_copies_of_texts_that_resemble_one_another_by_a_chain_go() -> None:
    chain = _sliding_texts(200)
    texts = chain + [f"{text} x" for text in chain[::10]]
    assert set(near_duplicate_groups(texts, 0.9).tolist()) == {0}
    staying = _staying(texts, 0.9)
    assert _close_pairs(staying, 0.9) == 0
    assert len(staying) >= 60
    assert not [text for text in staying if text.endswith(" x")]


def test_a_repeat_is_found_among_thousands_of_alike_texts_that_stay() -> None:
    draw = random.Random(7)
    codes = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=12)) for _ in range(3_000)]
    texts = [f"the order with the code {code} has not come yet and I ask for all of my money back" for code in codes]
    copies = [f"{text} now" for text in texts[:300]]
    assert jaccard(texts[0], texts[1]) < 0.9 <= jaccard(texts[0], copies[0])
    repeats = near_repeats(texts + copies, 0.9)
    assert not [row for row in repeats if row < len(texts)]
    assert len(repeats) >= 298


def test_texts_nearly_among_others_are_so_themselves_and_under_their_key() -> None:
    words = "the parcel with the blue kettle for my mother has got stuck in the depot again"
    texts = [f"{words} now", f"{words} now too", f"{words.upper()}!", f"{words}  NOW", f"{words} now"]
    threshold = jaccard(words, texts[0])
    found = nearly_among(texts, [words, "unlike"], threshold, keys=[1, 1, 1, 1, 2], other_keys=[1, 2])
    assert found == [True, False, True, True, False]
    assert nearly_among([], [words], threshold, [], [1]) == []
    assert nearly_among([words], [], threshold, [1], []) == [False]


def test_copies_join_one_group() -> None:
    assert near_duplicate_groups(["Same text.", "other thing", "same TEXT", "same text!"], 0.9).tolist() == [0, 1, 0, 0]
    assert near_duplicate_groups([], 0.9).tolist() == []
    assert near_duplicate_groups(["one"], 0.9).tolist() == [0]


def test_groups_join_over_others_and_name_the_lowest() -> None:
    assert connected_groups(5, np.array([[3, 4], [1, 3]])).tolist() == [0, 1, 2, 1, 1]


def test_signatures_do_not_depend_on_what_else_is_signed() -> None:
    texts = _sentences(500, 2)
    assert (signatures(texts)[37] == signatures([texts[37]])[0]).all()


def test_tens_of_thousands_of_rows_take_seconds() -> None:
    texts = [f"{a} {b}" for a, b in zip(_sentences(20_000, 3), _sentences(20_000, 4), strict=True)]
    started = time.process_time()
    near_duplicate_groups(texts, 0.9)
    assert time.process_time() - started < 30


def test_many_rows_of_few_templates_cost_little_more_than_different_ones() -> None:
    draw = random.Random(5)
    templates = [" ".join(_sentences(6, 100 + number)) for number in range(50)]
    texts = [f"{draw.choice(templates)} {draw.randrange(10**6)}" for _ in range(3_000)]
    started = time.process_time()
    groups = near_duplicate_groups(texts, 0.9)
    repeats = near_repeats(texts, 0.9)
    assert time.process_time() - started < 15
    assert len(np.unique(groups)) == 50
    assert len(texts) - len(repeats) < 200


def _counted_comparisons(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A list that every exact comparison from now on adds its answer to."""
    asked: list[float] = []
    real = near_duplicates._jaccard

    def counted(a: frozenset[str], b: frozenset[str]) -> float:
        asked.append(real(a, b))
        return asked[-1]

    monkeypatch.setattr(near_duplicates, "_jaccard", counted)
    return asked


def test_only_pairs_that_join_two_groups_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _counted_comparisons(monkeypatch)
    texts = [
        f"the very same long sentence about a card that has not come yet number {index:05d}" for index in range(500)
    ]
    assert set(near_duplicate_groups(texts, 0.8).tolist()) == {0}
    assert len(asked) < 2 * len(texts)


def test_a_text_is_verified_with_few_of_the_many_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _counted_comparisons(monkeypatch)
    texts = [
        f"the very same long sentence about a card that has not come yet number {'ab'[i % 2] * 9} {i:04d}"
        for i in range(500)
    ]
    assert len(near_repeats(texts, 0.99)) == 0
    assert 500 < len(asked) <= 32 * len(texts)


def test_a_full_bucket_answers_with_the_last_texts() -> None:
    kept = kept_texts.KeptTexts(np.zeros((1_000, 2), dtype=np.uint64))
    assert kept.beside(0).tolist() == []
    for text in range(999):
        kept.add(text)
    assert kept.beside(999).tolist() == list(range(999 - kept_texts._KEPT_IN_BUCKET, 999))
