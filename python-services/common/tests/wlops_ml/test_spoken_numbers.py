"""Numbers in digits and in words."""

from __future__ import annotations

import pytest

from wlops_ml.spoken_numbers import spoken_numbers, without_numbers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("She has 12 pens and buys three more.", ["12", "3"]),
        ("one hundred and twenty-three of 5", ["123", "5"]),
        ("two hundred fifty apples", ["250"]),
        ("Three thousand and four people", ["3004"]),
        ("a hundred, a thousand", ["100", "1000"]),
        ("two three", ["2", "3"]),
        ("thirty-one forty", ["31", "40"]),
        ("nineteen twenty", ["19", "20"]),
        ("twice as many; a dozen; tripled", ["12", "2", "3"]),
        ("one of them, the second one, half of it", []),
        ("the weight of tenants often softens", []),
        ("1,200.50 and Five", ["1200.5", "5"]),
        ("", []),
    ],
)
def test_numbers_are_read_in_digits_and_words(text: str, found: list[str]) -> None:
    assert spoken_numbers(text) == tuple(found)


def test_a_text_without_its_numbers_keeps_its_words() -> None:
    assert without_numbers("Ann has twenty-one pens and 3.5 or 1,200 more").split() == [
        "ann",
        "has",
        "pens",
        "and",
        "or",
        "more",
    ]
