"""Rewordings of held-out maths problems are found; problems that share a template and small numbers are not taken for such."""

from __future__ import annotations

import json
import random

import polars as pl
import pytest

from data_optimizer.tests.reworded_problems import problems
from data_optimizer.tests.test_steps import table
from data_optimizer.tests.workplace import Workplace
from wlops_common.contracts import OptimizeResult
from wlops_ml import paraphrases
from wlops_ml.paraphrases import answer_of, joined, reworded

#: A problem, the same in other words, and its answer.
REWORDINGS = [
    ("Natalia sold clips to 48 of her friends in April, and then 24 clips in May. How many clips did Natalia sell altogether?",
     "In April Natalia's clips went to 48 friends; another 24 clips were sold in May. How many clips were sold in both months?", 72),
    ("Weng earns $12 an hour for babysitting. Yesterday, she just did 50 minutes of babysitting. How much did she earn?",
     "For babysitting, Weng gets paid $12 an hour. How much did she earn yesterday, when she was babysitting for 50 minutes?", 10),
    ("A robe takes 2 bolts of blue fiber and half that much white fiber. Over 3 years 6 robes are made. How many bolts is that?",
     "Each robe needs 2 bolts of blue fiber, and of white fiber half as many. If 6 robes are made in 3 years, how many bolts is it?", 18),
    ("James writes a 3-page letter to 2 different friends twice a week. How many pages does he write in 52 weeks?",
     "Twice a week James sends letters of 3 pages to 2 of his friends. In 52 weeks, how many pages does he write in total?", 624),
    ("Mark planted 10 yellow flowers and 80 percent more purple ones. He planted 25 green ones too. How many flowers are in the garden?",
     "The garden of Mark holds 10 yellow flowers, 80 percent more purple flowers, and 25 green ones. How many are there?", 53),
    ("Albert buys 2 large pizzas and 2 small pizzas. A large pizza has 16 slices and a small one has 8. How many slices does he eat?",
     "There are 16 slices in a large pizza and 8 slices in a small pizza. Albert eats 2 large and 2 small pizzas. How many slices?", 48),
    ("Ken put 2 pounds of jelly beans into a box. Then he tripled the weight with brownies and added 2 pounds more. What is the weight?",
     "Ken's box first held 2 pounds of jelly beans; brownies tripled the weight, and another 2 pounds went in. What weight is it now?", 8),
    ("Alexis has 200 dollars for clothes. She spent 30 on a shirt, 46 on pants and 38 on a coat. How much money is left?",
     "From a budget of 200 dollars for clothes Alexis paid 30 for a shirt, 38 for a coat and 46 for pants. How many dollars are left?", 86),
    ("Tina makes $18 an hour. She works 10 hours every day for 5 days. How much money does she make?",
     "Working 10 hours on each of 5 days at $18 an hour, how much money does Tina make?", 900),
    ("A deep-sea monster rises once every 100 years. Over 300 years it has consumed 847 people. How many were on the first ship?",
     "Every 100 years a monster rises from the deep sea. It consumed 847 people over 300 years. How many did the first ship hold?", 121),
    ("Tobias earned $5 a month for 3 months and $15 for shoveling each of 7 driveways. How much did he have before he spent 95?",
     "Before spending 95, how much had Tobias, who got $5 in each of 3 months and $15 for each of 7 driveways he was shoveling?", 120),
    ("Randy has 60 mango trees on his farm. He also has 5 less than half as many coconut trees. How many trees are on the farm?",
     "On the farm of Randy stand 60 mango trees and coconut trees, which are 5 less than half as many. How many trees has Randy?", 85),
]  # fmt: skip

TEMPLATES = (
    ("{n} has {a} {t}, buys {b} more and gives {c} away. How many {t} does {n} have left?", "+", "-"),
    ("{n} packs {a} boxes with {b} {t} each and finds {c} more {t}. How many {t} are there?", "*", "+"),
    ("There are {a} {t} in a bag and {b} on a shelf; {n} brings {c} more. How many {t} are there in all?", "+", "+"),
    ("{n} fills {a} bags with {b} {t} each, but {c} {t} are broken. How many {t} are good?", "*", "-"),
)
NAMES = ["Ann", "Bob", "Cy", "Dora", "Eve", "Finn", "Gus", "Hal"]
THINGS = ["apples", "beads", "coins", "cards", "eggs", "shells"]


def templated(count: int, seed: int, low: int = 2, high: int = 12) -> list[dict[str, str]]:
    """Different word problems of four templates with three numbers each, none with a negative result."""
    draw = random.Random(seed)
    made: dict[str, str] = {}
    while len(made) < count:
        text, first, second = draw.choice(TEMPLATES)
        a, b, c = (draw.randint(low, high) for _ in range(3))
        middle = a + b if first == "+" else a * b
        result = middle + c if second == "+" else middle - c
        if result >= 0:
            question = text.format(n=draw.choice(NAMES), t=draw.choice(THINGS), a=a, b=b, c=c)
            steps = f"<<{a}{first}{b}={middle}>>{middle} <<{middle}{second}{c}={result}>>{result}"
            made.setdefault(question, f"{steps}\n#### {result}")
    return [{"question": question, "answer": answer} for question, answer in made.items()]


def _jsonl(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _table(rows: list[dict[str, str]]) -> pl.DataFrame:
    return table([(row["question"], row["answer"]) for row in rows], task_type="generation")


def _removed(result: OptimizeResult) -> int:
    (step,) = [step for step in result.steps if step.name == "paraphrase guard"]
    return sum(step.removed.values())


@pytest.mark.parametrize("count", [600, 3_000])
def test_templated_problems_with_small_numbers_are_trained_on(workplace: Workplace, count: int) -> None:
    result = workplace.optimise({"source": _jsonl(templated(count, 1))})
    assert _removed(result) == 0
    assert result.train.rows >= 0.6 * count
    for role in (result.mine, result.select, result.test):
        assert role is not None
        assert role.rows == pytest.approx(0.1 * count, rel=0.3)


@pytest.mark.parametrize("count", [600, 3_000])
def test_templated_problems_with_files_of_their_own_for_validation_and_test_are_trained_on(
    workplace: Workplace, count: int
) -> None:
    files = {"source": templated(count, 1), "validation": templated(count // 3, 2), "test": templated(count // 3, 3)}
    result = workplace.optimise({name: _jsonl(rows) for name, rows in files.items()})
    assert _removed(result) <= 0.03 * count
    assert result.train.rows >= 0.9 * count
    assert workplace.json(result.log)["heldOutRowsMetByChance"] > 0


def test_one_problem_in_several_rows_of_a_file_gets_one_role(workplace: Workplace) -> None:
    result = workplace.optimise({"source": _jsonl(templated(3_000, 1))})
    role_of: dict[tuple[str, str, str], set[str]] = {}
    for role in ("train", "mine", "select", "test"):
        for prompt, answer in workplace.rows(getattr(result, role)).select("prompt", "answer").iter_rows():
            words = " ".join(word for word in prompt.split() if word.islower() and word.strip(".,?;") not in THINGS)
            numbers = " ".join(sorted(word.strip(".,?;") for word in prompt.split() if word[0].isdigit()))
            role_of.setdefault((words, numbers, answer), set()).add(role)
    assert sum(len(roles) > 1 for roles in role_of.values()) <= 0.01 * len(role_of)


def test_at_least_four_of_five_rewordings_are_found_and_hardly_anything_else() -> None:
    others = templated(2_000, 5, 2, 60)
    training = _table([*({"question": text, "answer": f"#### {answer}"} for _, text, answer in REWORDINGS), *others])
    held_out = _table(
        [*({"question": text, "answer": f"#### {answer}"} for text, _, answer in REWORDINGS), *templated(300, 6, 2, 60)]
    )
    found = reworded(training, held_out)
    planted = set(range(len(REWORDINGS)))
    assert len(found.training & planted) >= 0.8 * len(planted)
    assert len(found.training - planted) <= 0.002 * training.height


@pytest.mark.parametrize("style", ["plain", "names", "words", "mixed"])
def test_four_of_five_human_rewordings_are_found_at_one_false_alarm_in_a_thousand(style: str) -> None:
    made = problems(4_000, 1, style)
    held_out, others = made[:480], made[480:]
    known = [(one.reworded, f"#### {one.answer}") for one in held_out[:240]]
    fresh = [(one.told if at % 2 else one.reworded, f"#### {one.answer}") for at, one in enumerate(others)]
    found = reworded(
        table([*known, *fresh], task_type="generation"),
        table([(one.told, f"#### {one.answer}") for one in held_out], task_type="generation"),
    )
    planted = set(range(len(known)))
    assert len(found.training & planted) >= 0.8 * len(planted)
    assert len(found.training - planted) <= 0.001 * len(fresh)


def test_many_rewordings_of_one_problem_do_not_make_each_other_look_like_chance() -> None:
    made = problems(300, 2, "mixed")
    told = [(one.told, f"#### {one.answer}") for one in made]
    flood = [(f"{one.reworded} Case {letter}.", f"#### {one.answer}") for one in made[:60] for letter in "ABCDEFGHIJ"]
    found = reworded(table(flood, task_type="generation"), table(told[:60], task_type="generation"))
    assert len(found.held_out) >= 50


def test_rewordings_are_found_among_templates_whose_numbers_are_rare(workplace: Workplace) -> None:
    test = templated(100, 7, 100, 999)
    copies = [
        {
            "question": row["question"].replace("How many", "Can you say how many").replace(" more", " others"),
            "answer": row["answer"],
        }
        for row in test
    ]
    result = workplace.optimise({"source": _jsonl(templated(1_000, 8, 100, 999) + copies), "test": _jsonl(test)})
    assert result.leakage.paraphrases is not None
    assert result.leakage.paraphrases >= 80
    copied = [prompt for prompt in workplace.rows(result.train)["prompt"].to_list() if "Can you say" in prompt]
    assert len(copied) <= 2


@pytest.mark.parametrize(
    ("training", "answer", "is_one"),
    [
        ("At the market Ann bought 12 bags, each holding 15 apples. How many apples did she buy?", "180", True),
        ("At the market Ann bought 12 bags, each holding 15 apples. How many apples did she buy?", "180 apples", True),
        ("At the market Ann bought 12 bags and 15 apples. How many more apples than bags did she buy?", "3", False),
        ("Ann buys 12 bags with 16 apples in each. How many apples?", "180", False),
        ("The 15 knights rode 12 leagues before dawn.", "180", False),
        ("Ann buys bags with apples in each. How many apples?", "180", False),
    ],
)
def test_a_rewording_shares_words_numbers_and_answer(training: str, answer: str, is_one: bool) -> None:
    held_out = ["Ann buys 12 bags with 15 apples in each. How many apples are there?", "Bob has 99 cars and 14 boats."]
    others = ["A train leaves at 7 and arrives at 9.", "Eve paints 3 walls in 44 minutes."]
    rows = [*((text, "#### 2") for text in others), (training, f"#### {answer}")]
    found = reworded(
        table(rows, task_type="generation"), table([(text, "#### 180") for text in held_out], task_type="generation")
    )
    assert (set(found.training), set(found.held_out)) == (({2}, {0}) if is_one else (set(), set()))


def test_no_numbers_or_no_words_give_no_rewordings() -> None:
    for text in ("a b c", "1 2 3"):
        rows = table([(text, "#### 1")], task_type="generation")
        assert reworded(rows, rows).training == frozenset()
        assert joined(rows)["group"].to_list() == rows["group"].to_list()


def test_rows_join_one_group_whatever_their_order() -> None:
    rows = table(
        [("Ann buys 12 bags with 15 apples in each. How many apples are there?", "#### 180"),
         ("How many apples are there in 15 bags if Ann buys bags with 12 apples in each?", "So #### 180"),
         ("Ann buys 12 bags and 15 apples. How many are there?", "#### 27")],
        task_type="generation",
    )  # fmt: skip
    for order in (rows, rows.reverse()):
        groups = dict(joined(order).select("line", "group").iter_rows())
        assert groups[1] == groups[2] != groups[3]


@pytest.mark.parametrize(
    ("completion", "answer"),
    [("12*4=48\n#### 48", "48"), ("#### 1,048 apples", "1048"), ("#### 50%", "50"), ("He has 3 and then 5 of them.", "5"), ("yes", "yes")],
)  # fmt: skip
def test_answers_are_compared_without_units_and_spelling(completion: str, answer: str) -> None:
    assert answer_of(completion) == answer


def test_looking_for_rewordings_can_be_ended_in_its_midst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paraphrases, "_PAIRS_AT_ONCE", 2)
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1

    reworded(_table(templated(1_000, 5)), _table(templated(300, 6)), check)
    # Once for the held-out rows, all of which are compared at a time, and then for every second pair.
    assert calls > 10
