from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wlops_ml.maths import Step, equation_target, evaluate, operations, stated_results, worked_steps
from wlops_ml.maths_templates import Template

WORKED = "Tom has 12*4 = <<12*4=48>>48 apples.\nThen he has 48+5=<<48+5=53>>53.\n#### 53"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("12*4", 48),
        ("2 + 3 × 4", 14),
        ("(2 + 3) * -4", -20),
        ("$1,200 ÷ 4", 300),
        ("7 − 9", -2),
        ("50*20%", 10),
        (".5*4", 2),
        ("3 x 4", 12),
        ("1/3", Fraction(1, 3)),
    ],
)
def test_expressions_have_exact_values(expression: str, value: Fraction) -> None:
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    "expression", ["", "1/0", "((1)", "1)", "1 2", "2**3", "x+1", "__import__('os')", "1+", "9" * 300, "(" * 150 + "1"]
)
def test_what_is_no_expression_has_no_value(expression: str) -> None:
    assert evaluate(expression) is None


@given(
    st.recursive(
        st.integers(0, 99).map(str),
        lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
        max_leaves=8,
    )
)
def test_values_agree_with_python(expression: str) -> None:
    assert evaluate(expression) == eval(expression)  # noqa: S307 - the strategy above builds the text; nothing foreign is run


def test_annotations_are_the_steps_where_there_are_any() -> None:
    assert worked_steps(WORKED) == [Step("12*4", "48"), Step("48+5", "53")]
    assert equation_target(WORKED) == "12*4=48;48+5=53"
    assert operations(WORKED) == ("+", "×")


def test_plain_equations_are_steps_too() -> None:
    text = "First, $12 × 4 = $48. Then 48 - 3 = 45. The answer is 45."
    assert [step.holds for step in worked_steps(text)] == [True, True]
    assert equation_target(text) == "12*4=48;48-3=45"


def test_annotations_and_plain_equations_stand_side_by_side_in_their_order() -> None:
    text = "She had 75-55 =$<<75-55=20>>20\nShe bought 4 tops for $20 so 20/4 = $5\nThen 5*2=<<5*2=10>>10.\n#### 10"
    assert [step.equation for step in worked_steps(text)] == ["75-55=20", "20/4=5", "5*2=10"]
    assert stated_results(text) == ["20", "$5", "10"]


def test_an_equation_and_its_own_annotation_are_one_step() -> None:
    assert worked_steps("12*4 = 48 <<12*4=48>>.\n#### 48") == [Step("12*4", "48")]
    assert worked_steps("2*3=<<2*3=6>>6 and again 2*3=<<2*3=6>>6\n#### 6") == [Step("2*3", "6")] * 2


def test_loose_text_beside_annotations_is_no_step() -> None:
    text = "100/3 = 33 rounded, and 33+1=<<33+1=34>>34\n#### 34"
    assert worked_steps(text) == [Step("33+1", "34")]
    assert stated_results(text) == ["33", "34"]


def test_a_chain_is_not_read_as_a_wrong_step() -> None:
    assert worked_steps("12*4 + 5 = 48 + 5 = 53") == [Step("48 + 5", "53")]


@pytest.mark.parametrize(
    ("step", "holds"),
    [
        (Step("12*4", "48"), True),
        (Step("12*4", "49"), False),
        (Step("10/3", "3.33"), True),
        (Step("10/3", "3"), False),
        (Step("10/3", "3.4"), True),
        (Step("10/3", "3.5"), False),
        (Step("x", "3"), None),
        (Step("1/0", "0"), None),
    ],
)
def test_a_step_holds_exactly_or_rounded_at_its_last_place(step: Step, holds: bool | None) -> None:
    assert step.holds is holds


@pytest.mark.parametrize(
    "completion",
    [
        "12*4 = <<12*4=49>>49\n#### 49",
        "12*4 = <<12*4=48>>48\n#### 50",
        "12*4 = <<12*4=48>>48\n####",
        "10/3 = <<10/3=3.33>>3.33\n#### 3.33",
        "It is forty-eight.",
        "",
    ],
)
def test_only_verified_answers_become_targets(completion: str) -> None:
    assert equation_target(completion) is None


def test_a_template_makes_other_problems_that_verify() -> None:
    row = {"prompt": "Tom buys 12 bags of 4 apples in 1 shop and finds 5 more. How many?", "completion": WORKED}
    template = Template.from_row(row)
    assert template is not None
    rng = np.random.default_rng(3)
    made = [template.instantiate(rng) for _ in range(50)]
    assert len({problem["prompt"] for problem in made if problem}) > 30
    for problem in made:
        assert problem is not None
        assert "in 1 shop" in problem["prompt"]
        assert "12 bags" not in problem["prompt"]
        assert equation_target(problem["completion"]) is not None


def test_division_stays_whole_and_subtraction_positive_where_the_source_was() -> None:
    rng = np.random.default_rng(0)
    for completion in ("84/7 = <<84/7=12>>12\n#### 12", "84-7 = <<84-7=77>>77\n#### 77"):
        template = Template.from_row({"prompt": "Of 84 sweets, 7 matter.", "completion": completion})
        assert template is not None
        for _ in range(30):
            problem = template.instantiate(rng)
            assert problem is not None
            answer = problem["completion"].rsplit("#### ")[-1]
            assert answer.isdigit()
            assert int(answer) > 0


def test_instances_depend_on_the_seed_alone() -> None:
    template = Template.from_row({"prompt": "Tom has 30 and 12.", "completion": "30+12=<<30+12=42>>42\n#### 42"})
    assert template is not None
    first, second = ([template.instantiate(np.random.default_rng(9)) for _ in range(3)] for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("prompt", "completion"),
    [
        ("3 boxes of 3 apples", "3*3=<<3*3=9>>9\n#### 9"),
        ("5 and 5 make 10", "5+5=<<5+5=10>>10\n#### 10"),
        ("Two and two", "2+2=<<2+2=4>>4\n#### 4"),
        ("4 and 3", "4+3=<<4+3=8>>8\n#### 8"),
        ("4 and 3", "seven"),
    ],
)
def test_ambiguous_or_unverified_problems_give_no_template(prompt: str, completion: str) -> None:
    assert Template.from_row({"prompt": prompt, "completion": completion}) is None
