from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wlops_ml.text import (
    canonical_number,
    clean_label,
    clean_lines,
    clean_text,
    match_key,
    number_spans,
    numbers,
    to_fraction,
)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("  two\t words\r\n", "two words"),
        ("Tom &amp; Ann", "Tom & Ann"),
        ("Tom &amp;amp; Ann", "Tom & Ann"),
        ("<p>Hello<br/>there</p>", "Hello there"),
        ("&lt;b&gt;bold&lt;/b&gt;", "bold"),
        ("\u201cquoted\u201d \u2014 it\u2019s", '"quoted" - it\'s'),
        ("ｆｕｌｌ ｗｉｄｔｈ １２", "full width 12"),
        ("zero\u200bwidth\x00", "zerowidth"),
        ("5 < 7 and 9 > 8", "5 < 7 and 9 > 8"),
        ("12*4=<<12*4=48>>48", "12*4=<<12*4=48>>48"),
    ],
)
def test_text_is_cleaned_to_how_people_read_it(raw: str, cleaned: str) -> None:
    assert clean_text(raw) == cleaned


def test_line_breaks_of_worked_answers_stay() -> None:
    assert clean_lines("12*4 =  48\r\n\r\n#### 48 ") == "12*4 = 48\n#### 48"


@given(st.text())
def test_cleaning_twice_is_cleaning_once(raw: str) -> None:
    once = clean_text(raw)
    assert clean_text(once) == once
    assert clean_lines(clean_lines(raw)) == clean_lines(raw)
    assert clean_label(clean_label(raw)) == clean_label(raw)


def test_a_label_keeps_its_tags_and_is_clean_beside() -> None:
    assert clean_label(" <b>\u00a0R&amp;D </b>") == "<b> R&D </b>"


@given(st.text())
def test_a_key_is_empty_only_where_the_text_is_blank(raw: str) -> None:
    assert bool(match_key(raw)) == bool(raw.split())
    assert match_key(match_key(raw)) == match_key(raw)


def test_keys_ignore_case_punctuation_and_spacing_only() -> None:
    assert match_key("Where's  my CARD?!") == match_key("where s my card")
    assert match_key("???") != match_key("!!!")
    assert match_key("कि") != match_key("का")


def test_numbers_are_a_sorted_multiset_in_one_spelling() -> None:
    assert numbers("1,200.50 of 3 and 3, then .5 in 2024.") == (".5".replace(".", "0."), "1200.5", "2024", "3", "3")
    assert numbers("no digits here") == ()


def test_spans_cut_exactly_the_numbers() -> None:
    text = "From 12 to 3.5, or 1,000!"
    assert [text[a:b] for a, b in number_spans(text)] == ["12", "3.5", "1,000"]


@given(st.decimals(min_value=0, max_value=10**9, places=4))
def test_equal_decimals_get_one_spelling(value: object) -> None:
    assert canonical_number(f"{value}00") == canonical_number(f"00{value}")
    assert to_fraction(str(value)) == to_fraction(canonical_number(str(value)))
