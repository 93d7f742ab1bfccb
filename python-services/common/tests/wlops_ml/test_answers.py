"""Extraction and comparison of final answers."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wlops_ml.answers import final_answer, flexible_answer, normal_text, parse_number, same_answer, strict_answer


@pytest.mark.parametrize(
    ("completion", "final", "strict", "flexible"),
    [
        ("He has 3+4=<<3+4=7>>7 apples.\n#### 7", "7", "7", "7"),
        ("#### 1,234", "1,234", "1,234", "1,234"),
        ("#### $1,234.50", "$1,234.50", None, "$1,234.50"),
        ("#### -3", "-3", "-3", "-3"),
        ("first #### 1 then\n#### 2", "2", "1", "2"),
        (r"so \boxed{\frac{1}{2}}", r"\frac{1}{2}", None, "2"),
        ("The answer is 42.", "42", None, "42"),
        ("The final answer is: $1,000.", "$1,000", None, "$1,000"),
        ("Answer: Paris", "Paris", None, None),
        ("12 apples", "12", None, "12"),
        ("yes", "yes", None, None),
        ("-3.5", "-3.5", None, "-3.5"),
        ("1/2", "1/2", None, "1/2"),
        ("Take 5 - 3", "Take 5 - 3", None, "3"),
        ("10-4", "10-4", None, "4"),
        ("3-4=-1", "3-4=-1", None, "-1"),
        ("####", None, None, None),
        ("", None, None, None),
        ("Two\nlines of words", None, None, None),
    ],
)
def test_the_three_ways_to_take_an_answer_out(
    completion: str, final: str | None, strict: str | None, flexible: str | None
) -> None:
    taken = (final_answer(completion), strict_answer(completion), flexible_answer(completion))
    assert taken == (final, strict, flexible)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234", Fraction(1234)),
        ("12,345,678.5", Fraction("12345678.5")),
        ("$5", Fraction(5)),
        ("€ 5", Fraction(5)),
        ("-$5", Fraction(-5)),
        ("$-5", Fraction(-5)),
        ("50%", Fraction(1, 2)),
        (r"50\%", Fraction(1, 2)),
        ("1/2", Fraction(1, 2)),
        ("1 1/2", Fraction(3, 2)),
        ("-1 1/2", Fraction(-3, 2)),
        (r"\frac{3}{4}", Fraction(3, 4)),
        ("3.", Fraction(3)),
        (".5", Fraction(1, 2)),
        ("1e3", Fraction(1000)),
        ("０．５", Fraction(1, 2)),
        ("−4", Fraction(-4)),
        ("0007", Fraction(7)),
    ],
)
def test_a_number_is_read_however_it_is_written(text: str, value: Fraction) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text", ["", "abc", "12 apples", "1/0", "1 1/0", "--5", "1,23", "nan", "inf", "1_000", "9" * 5000]
)
def test_what_is_not_one_number_is_no_number(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("72", "72.0", True),
        ("1,000", "1000", True),
        ("1/2", "0.50", True),
        ("50%", "0.5", True),
        ("50%", "50", True),
        ("0.5%", "50%", False),
        ("12 apples", "12", True),
        ("12 apples", "13", False),
        ("12 of 13", "12", False),
        ("Yes.", "yes", True),
        ("New  York", "new york", True),
        ("yes", "no", False),
        ("0.333", "1/3", False),
        (r"\frac12", "50%", True),
        (r"\dfrac{1}{2}", "0.5", True),
        (r"\frac{1}{2}", "1/2", True),
        (r"$\frac{1}{2}$", "0.5", True),
        (r"\(0.5\)", "1/2", True),
        (r"1\frac{1}{2}", "1.5", True),
        (r"1{,}000", "1000", True),
        (r"1\,000", "1,000", True),
        ("1 000", "1000", True),
        ("$18.00", "18", True),
        ("18 dollars", "$18", True),
        ("18 dollars", "18 dollar", True),
        ("2 hours", "2 minutes", False),
        ("1 000 000", "1,000,000", True),
        ("1 0000", "10000", False),
        (r"12\text{ cm}", "12", True),
        (r"12\ \mathrm{km}", "12 km", True),
        ("90°", "90", True),
        (r"90^\circ", "90 degrees", True),
        ("12 km", "13 km", False),
        ("1/2 cup", "0.5", True),
        ("3:30", "3:45", False),
        ("x = 5", "5", True),
        (r"\frac{1}{3}", "0.33", False),
    ],
)
def test_answers_are_compared_by_value(a: str, b: str, same: bool) -> None:
    assert same_answer(a, b) is same
    assert same_answer(b, a) is same


@given(st.integers(-(10**12), 10**12))
def test_every_integer_survives_formatting_and_extraction(value: int) -> None:
    assert parse_number(f"{value:,}") == value
    assert same_answer(strict_answer(f"work\n#### {value:,}") or "", str(value))
    assert same_answer(flexible_answer(f"it is {value} now") or "", str(value))


@given(st.text(max_size=200))
def test_any_text_is_taken_without_an_error(text: str) -> None:
    for take in (final_answer, strict_answer, flexible_answer):
        answer = take(text)
        assert answer is None or answer != ""
    parse_number(text)
    assert same_answer(text, text)
    assert normal_text(normal_text(text)) == normal_text(text)


@pytest.mark.parametrize("part", ["1", "#### ", "answer is\n", "\\boxed{", "1,111,", "$ ", "-", "1/"])
def test_a_hostile_completion_is_read_in_linear_time(part: str) -> None:
    text = part * 20_000
    start = time.process_time()
    for take in (final_answer, strict_answer, flexible_answer):
        take(text)
    assert time.process_time() - start < 2
