"""Generation scores against an independent reading of lm-evaluation-harness' gsm8k task (version 3)."""

from __future__ import annotations

import random
import re

import pytest

from evaluator.scorers.generation import AnswerScorer

SCORER = AnswerScorer()
COMPLETIONS = [
    "{a} + {b} = {c}\n#### {n}",
    "So there are {n} apples.",
    "The answer is {n}.",
    "#### {n}",
    "It costs ${n}.",
    "She had {a}, then {b}, and now {n}",
    "####{n}\nThat is all.",
    "#### ${n}.",
    "First #### {a}\nno, wait.\n#### {n}",
    "{n} is what remains of {a}",
    "#### {n} of {b}",
    "I do not know",
    "",
    "{n}\n\nQuestion: how many is {b}",
]


def harness_extract(pattern: str, text: str, pick: int) -> str:
    """The harness' ``regex`` filter followed by ``take_first``."""
    found = re.findall(pattern, text)
    if not found:
        return "[invalid]"
    match = found[pick]
    if isinstance(match, tuple):
        match = next((part for part in match if part), "[invalid]")
    return str(match).strip()


def harness_match(extracted: str, reference: str) -> bool:
    """The harness' ``exact_match`` with the task's ``regexes_to_ignore`` and ``ignore_case``."""

    def plain(text: str) -> str:
        for pattern in (",", r"\$", r"(?s).*#### ", r"\.$"):
            text = re.sub(pattern, "", text)
        return text.lower()

    return plain(extracted) == plain(reference)


@pytest.mark.parametrize("seed", range(20))
def test_strict_and_flexible_agree_with_the_harness(seed: int) -> None:
    draw = random.Random(seed)
    for form in COMPLETIONS:
        reference = draw.choice([draw.randrange(100), draw.randrange(1000, 10**6), -draw.randrange(1, 50)])
        said = reference if draw.random() < 0.6 else reference + 1
        number = f"{said:,}" if draw.random() < 0.5 else str(said)
        text = form.format(a=draw.randrange(100), b=draw.randrange(100), c=draw.randrange(100), n=number)
        judgement = SCORER.judge(str(reference), text)
        strict = harness_extract(r"#### (\-?[0-9\.\,]+)", text, 0)
        flexible = harness_extract(r"(-?[$0-9.,]{2,})|(-?[0-9]+)", text, -1)
        assert judgement.right == harness_match(flexible, str(reference)), text
        assert judgement.strictly_right == harness_match(strict, str(reference)), text


@pytest.mark.parametrize(
    ("reference", "prediction", "right", "strict"),
    [
        ("0.5", r"Half: \boxed{\frac{1}{2}}", True, False),
        ("1/2", "#### 0.50", True, True),
        ("1000", "#### 1,000.00", True, True),
        ("12", "12 apples", True, False),
        ("yes", "Yes.", True, False),
        ("yes", "#### yes", True, True),
        ("yes", "no", False, False),
        ("12", "no number here", False, False),
        ("12", "", False, False),
    ],
)
def test_answers_are_compared_by_value(reference: str, prediction: str, right: bool, strict: bool) -> None:
    judgement = SCORER.judge(reference, prediction)
    assert (judgement.scored, judgement.right, judgement.strictly_right) == (True, right, strict)


def test_the_reference_is_the_answer_or_what_the_completion_ends_in() -> None:
    assert SCORER.reference({"answer": "3", "completion": "#### 4"}) == "3"
    assert SCORER.reference({"answer": None, "completion": "#### 4"}) == "4"
    assert SCORER.reference({"answer": None, "completion": "It depends.\nNobody can say."}) is None
    assert not SCORER.judge(None, "4").scored
