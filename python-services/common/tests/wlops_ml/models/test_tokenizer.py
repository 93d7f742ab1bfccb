"""Numbers and rare words are copied by place, and the calculator is called where a result follows."""

from __future__ import annotations

from fractions import Fraction

import pytest

from wlops_ml.models.calculator import result_of, spell
from wlops_ml.models.tokenizer import CALCULATE, CALCULATE_SPACED, UNKNOWN, CopyTokenizer, calculator_token

PROMPT = "Anna buys 12 boxes of 48 pens. How many pens is that?"
ANSWERS = ["So 12*48 = <<12*48=576>>576 pens.\n#### 576", "12 * 48 = 576;5-4=1;8/2=4", "4 and 5"]
TOKENIZER = CopyTokenizer.of([PROMPT, *ANSWERS] * 2, max_words=100)


def written(prompt: str, answer: str) -> str:
    """The answer encoded after the prompt, then written again."""
    _, memory = TOKENIZER.encode_prompt(prompt)
    tokens = TOKENIZER.encode_answer(answer, memory)
    return "".join(TOKENIZER.write(token, memory) for token in tokens)


@pytest.mark.parametrize(
    "answer",
    [
        "12*48=576",
        "12*48=576;576-12=564",
        "So 12*48 = <<12*48=576>>576 pens.\n#### 576",
        "So 12 * 48 = 576 pens.",
        "12/48=0.25",
        "48/9=5.33",
        "12*48=577",
        "7 and 3.5 and 100",
    ],
)
def test_an_answer_is_written_as_it_was_read(answer: str) -> None:
    assert written(PROMPT, answer) == answer


def test_the_same_answer_over_other_numbers_has_the_same_tokens() -> None:
    encoded = []
    for first, second in ((12, 48), (731, 2056)):
        prompt, memory = TOKENIZER.encode_prompt(f"Anna buys {first} boxes of {second} pens.")
        encoded.append((prompt, TOKENIZER.encode_answer(f"{first}*{second}={first * second}", memory)))
    assert encoded[0] == encoded[1]


def test_a_right_result_calls_the_calculator_and_a_wrong_one_is_spelled() -> None:
    for answer, is_called in (("12*48=576", True), ("12*48 = 576", True), ("12*48=575", False), ("x=576", False)):
        tokens = TOKENIZER.encode_answer(answer, TOKENIZER.encode_prompt(PROMPT)[1])
        assert bool({CALCULATE, CALCULATE_SPACED} & set(tokens)) == is_called, answer


def test_of_equal_numbers_the_one_not_used_yet_is_meant() -> None:
    _, memory = TOKENIZER.encode_prompt("Anna buys 12 boxes of 12 pens.")
    first, _, second, *_ = TOKENIZER.encode_answer("12*12=144", memory)
    assert first != second


def test_rare_words_of_the_prompt_can_be_written_and_others_are_unknown() -> None:
    _, memory = TOKENIZER.encode_prompt("Xanthippe buys 3 boxes.")
    tokens = TOKENIZER.encode_answer("Xanthippe", memory)
    assert "".join(TOKENIZER.write(token, memory) for token in tokens) == "Xanthippe"
    assert TOKENIZER.encode_answer("Zebulon", memory) == [UNKNOWN]


def test_a_prompt_with_more_numbers_than_slots_is_still_read() -> None:
    tokens, memory = TOKENIZER.encode_prompt(" ".join(str(number) for number in range(100, 200)))
    assert len(memory.numbers) == 32
    assert len(tokens) == 32


@pytest.mark.parametrize("text", ["", "  ", "你好 3 个苹果", "a\u0000b", "😀 12", "1,200.50 and 1,2,3", "x" * 5000])
def test_any_text_is_read_without_a_fault(text: str) -> None:
    _, memory = TOKENIZER.encode_prompt(text)
    TOKENIZER.encode_answer(text, memory)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12*4", "48"),
        ("So that is 12 * 4 ", "48"),
        ("<<3+4", "7"),
        ("(2+3)*4", "20"),
        ("10/4", "2.5"),
        ("10/3", "3.33"),
        ("5-9", "-4"),
        ("50%*80", "40"),
        ("She sold 48/2", "24"),
    ],
)
def test_the_calculator_reads_the_expression_at_the_end(text: str, value: str) -> None:
    result = result_of(text)
    assert result is not None
    assert spell(result) == value


@pytest.mark.parametrize("text", ["", "48", "apples", "4/0", "3+", "9" * 200 + "*9", "99999999999*99999999999"])
def test_the_calculator_says_nothing_where_there_is_no_expression(text: str) -> None:
    assert result_of(text) is None


def test_the_calculators_result_becomes_a_number_to_refer_to() -> None:
    _, memory = TOKENIZER.encode_prompt("Anna buys 12 boxes of 48 pens.")
    forced = calculator_token(CALCULATE, "12*48", memory)
    assert forced is not None
    assert TOKENIZER.write(forced, memory) == "576"
    assert memory.numbers[-1] == Fraction(576)
    assert calculator_token(CALCULATE, "pens", memory) is None
