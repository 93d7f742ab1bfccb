"""How the calculator spells its results."""

from __future__ import annotations

from fractions import Fraction

import pytest

from wlops_ml.models.calculator import result_of, spell


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(48), "48"),
        (Fraction(5, 2), "2.5"),
        (Fraction(-5, 2), "-2.5"),
        (Fraction(100, 3), "33.33"),
        (Fraction(-1, 300), "0"),
        (Fraction(1, 8), "0.125"),
        (Fraction(10**14 + 1, 2), "50000000000000.5"),
    ],
)
def test_a_result_is_spelt_as_people_write_it(value: Fraction, text: str) -> None:
    assert spell(value) == text


def test_a_result_without_end_is_the_rounded_one() -> None:
    assert result_of("so 100/3") == Fraction(3333, 100)
