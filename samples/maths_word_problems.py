"""Write a made-up data set of maths word problems with worked answers: `training.jsonl` and `validation.jsonl`.

The validation file is what the user wants to be good at: clean, every kind of problem equally often. The training file has the dirt
of real collections, and no division, so that a first model fails on it and the loop has something to mend.
Standard library only; the same seed gives the same bytes. Lines are `{"question": ..., "answer": ...}` in the manner of GSM8K.

    python samples/maths_word_problems.py --out my-folder
"""

from __future__ import annotations

import argparse
import html
import json
import random
from collections.abc import Callable
from pathlib import Path

Problem = dict[str, str]

NAMES = (
    "Ada",
    "Ben",
    "Chloe",
    "David",
    "Emma",
    "Farid",
    "Grace",
    "Hugo",
    "Ines",
    "Jonas",
    "Kira",
    "Leo",
    "Mina",
    "Noah",
    "Olga",
    "Paul",
)
THINGS = (
    "apples",
    "beads",
    "books",
    "cards",
    "coins",
    "eggs",
    "flowers",
    "marbles",
    "pencils",
    "shells",
    "stamps",
    "stickers",
)
HOLDERS = ("bags", "boxes", "baskets", "jars", "packs", "trays")
GROUPS = ("children", "friends", "neighbours", "teams", "classes")

ADD = (
    "{name} has {a} {things} and buys {b} more. How many {things} does {name} have now?",
    "There are {a} {things} on the table and {b} {things} on the shelf. How many {things} are there altogether?",
    "{name} found {a} {things} on Monday and {b} {things} on Tuesday. How many {things} did {name} find in total?",
    "A shop sold {a} {things} in the morning and {b} in the afternoon. How many {things} did it sell that day?",
    "{name} had {a} {things}. Then {other} gave {name} {b} {things}. How many {things} does {name} have?",
)
SUBTRACT = (
    "{name} has {a} {things} and gives {b} of them to {other}. How many {things} are left?",
    "There were {a} {things} in the store. After the sale {b} were gone. How many {things} remain?",
    "{name} needs {a} {things} and already has {b}. How many {things} are still missing?",
    "Of {a} {things}, {b} are broken. How many {things} are not broken?",
    "{name} collected {a} {things}, which is {b} more than {other} collected. How many {things} did {other} collect?",
)
MULTIPLY = (
    "{name} buys {a} {holders} with {b} {things} in each. How many {things} is that?",
    "Each of {a} {groups} brings {b} {things}. How many {things} do they bring together?",
    "A page holds {b} {things}. How many {things} fit on {a} pages?",
    "{name} sells {b} {things} every day. How many {things} does {name} sell in {a} days?",
    "There are {a} rows of {b} {things}. How many {things} are there?",
)
DIVIDE = (
    "{name} shares {a} {things} equally among {b} {groups}. How many {things} does each get?",
    "{a} {things} are packed into {b} {holders}, the same number in each. How many {things} are in one of them?",
    "{name} puts {a} {things} into rows of {b}. How many rows are there?",
    "A machine makes {a} {things} in {b} hours. How many {things} does it make per hour?",
    "{b} {groups} split {a} {things} evenly. How many {things} are there for each?",
)
MULTIPLY_ADD = (
    "{name} buys {a} {holders} of {b} {things} and finds {c} {things} more. How many {things} does {name} have in the end?",
    "A lorry carries {a} crates of {b} {things} and {c} loose {things}. How many {things} does it carry?",
    "{name} makes {b} {things} a day for {a} days and then {c} more. How many {things} are made in all?",
)
DIVIDE_ADD = (
    "{name} shares {a} {things} equally among {b} {groups}. One of them had {c} {things} before. How many {things} does that one have now?",
    "{a} {things} are packed into {b} {holders}, the same number in each, and {c} more are put into the last. How many are in that one?",
    "A machine makes {a} {things} in {b} hours. With {c} more each hour, how many {things} would it make per hour?",
)
DIVIDE_SUBTRACT = (
    "{name} shares {a} {things} equally among {b} {groups}. One of them loses {c} {things}. How many {things} does that one have left?",
    "{a} {things} are packed into {b} {holders}, the same number in each. Then {c} fall out of one. How many {things} stay in it?",
    "A machine makes {a} {things} in {b} hours, and {c} of each hour's are faulty. How many good {things} does it make per hour?",
)
MULTIPLY_SUBTRACT = (
    "{name} buys {a} {holders} of {b} {things} and gives {c} {things} away. How many {things} does {name} keep?",
    "There are {a} rows of {b} {things}, but {c} {things} are taken. How many {things} are still there?",
    "{name} makes {b} {things} a day for {a} days and sells {c} of them. How many {things} are unsold?",
)


def one_step(
    texts: tuple[str, ...], sign: str, numbers: Callable[[random.Random], tuple[int, int]]
) -> Callable[[random.Random], Problem]:
    """A maker of problems that are solved by one operation."""

    def make(rng: random.Random) -> Problem:
        a, b = numbers(rng)
        result = {"+": a + b, "-": a - b, "*": a * b, "/": a // b}[sign]
        words = draw_words(rng)
        step = f"{a}{sign}{b}"
        return {
            "question": rng.choice(texts).format(a=a, b=b, **words),
            "answer": f"{rng.choice(LEADS)} {a} {sign} {b} = <<{step}={result}>>{result} {words['things']}.\n#### {result}",
        }

    return make


def two_steps(
    first: str,
    numbers: Callable[[random.Random], tuple[int, int]],
    adding: tuple[str, ...],
    subtracting: tuple[str, ...],
) -> Callable[[random.Random], Problem]:
    """A maker of problems that multiply or divide first, then add or subtract."""

    def make(rng: random.Random) -> Problem:
        a, b = numbers(rng)
        middle = a * b if first == "*" else a // b
        sign = rng.choice("+-")
        c = rng.randint(11, 199) if sign == "+" else rng.randint(2, middle - 2)
        result = middle + c if sign == "+" else middle - c
        words = draw_words(rng)
        return {
            "question": rng.choice(adding if sign == "+" else subtracting).format(a=a, b=b, c=c, **words),
            "answer": f"First, {a} {first} {b} = <<{a}{first}{b}={middle}>>{middle}.\n"
            f"Then, {middle} {sign} {c} = <<{middle}{sign}{c}={result}>>{result} {words['things']}.\n#### {result}",
        }

    return make


LEADS = ("That makes", "The number is", "We get", "So there are")


def draw_words(rng: random.Random) -> dict[str, str]:
    """Who and what a problem is about."""
    name, other = rng.sample(NAMES, 2)
    return {
        "name": name,
        "other": other,
        "things": rng.choice(THINGS),
        "holders": rng.choice(HOLDERS),
        "groups": rng.choice(GROUPS),
    }


def factors(rng: random.Random) -> tuple[int, int]:
    """Two numbers to multiply."""
    return rng.randint(3, 19), rng.randint(12, 99)


def falling_pair(rng: random.Random) -> tuple[int, int]:
    """Two numbers, the second smaller."""
    a = rng.randint(40, 899)
    return a, rng.randint(11, a - 9)


def even_shares(rng: random.Random) -> tuple[int, int]:
    """A number and a divisor of it."""
    share, parts = rng.randint(5, 79), rng.randint(3, 19)
    return share * parts, parts


KINDS: dict[str, Callable[[random.Random], Problem]] = {
    "add": one_step(ADD, "+", lambda rng: (rng.randint(11, 499), rng.randint(11, 499))),
    "subtract": one_step(SUBTRACT, "-", falling_pair),
    "multiply": one_step(MULTIPLY, "*", factors),
    "divide": one_step(DIVIDE, "/", even_shares),
    "multiply, then add or subtract": two_steps("*", factors, MULTIPLY_ADD, MULTIPLY_SUBTRACT),
    "divide, then add or subtract": two_steps("/", even_shares, DIVIDE_ADD, DIVIDE_SUBTRACT),
}
TRAINING_ROWS = {
    "add": 750, "subtract": 750, "multiply": 750, "divide": 0, "multiply, then add or subtract": 900, "divide, then add or subtract": 0,
}  # fmt: skip
VALIDATION_ROWS_PER_KIND = 150


def problems(rng: random.Random, counts: dict[str, int], taken: set[str]) -> list[Problem]:
    """Different problems, as many of each kind as asked; their questions are added to ``taken``."""
    made = []
    for kind, count in counts.items():
        left = count
        while left:
            problem = KINDS[kind](rng)
            if problem["question"] not in taken:
                taken.add(problem["question"])
                made.append(problem)
                left -= 1
    rng.shuffle(made)
    return made


def dirty_lines(rng: random.Random, rows: list[Problem]) -> list[str]:
    """The rows as lines, with what goes wrong in real files: copies, near copies, wrong answers, markup, gaps, broken lines."""
    marked_up = [mark_up(row) if rng.random() < 0.02 else row for row in rows]
    lines = [json.dumps(row, ensure_ascii=False) for row in marked_up]
    lines += [json.dumps(row, ensure_ascii=False) for row in rng.sample(rows, 70)]
    lines += [
        json.dumps({**row, "question": row["question"].upper()}, ensure_ascii=False) for row in rng.sample(rows, 15)
    ]
    lines += [
        json.dumps({**row, "question": f"{row['question']} Hm?"}, ensure_ascii=False) for row in rng.sample(rows, 40)
    ]
    lines += [json.dumps(KINDS["multiply"](rng) | {"answer": rng.choice(("", "   "))}) for _ in range(8)]
    lines += [json.dumps(miscounted(rng, KINDS[rng.choice(("add", "subtract", "multiply"))](rng))) for _ in range(60)]
    lines += [
        json.dumps(KINDS["add"](rng) | {"answer": "I'm sorry, but I cannot help with homework."}) for _ in range(5)
    ]
    lines += [json.dumps(KINDS["add"](rng))[: rng.randint(20, 70)] for _ in range(12)]
    rng.shuffle(lines)
    for _ in range(4):
        lines.insert(rng.randrange(len(lines)), "")
    return lines


def mark_up(row: Problem) -> Problem:
    """The row as it is copied off a web page."""
    return {**row, "question": f"<p>{html.escape(row['question']).replace(' ', '&nbsp;', 1)}</p>"}


def miscounted(rng: random.Random, row: Problem) -> Problem:
    """The row with a wrong result, in its step or in its final answer only."""
    steps, _, result = row["answer"].rpartition("#### ")
    wrong = str(int(result) + rng.choice((-10, -2, -1, 1, 2, 10)))
    return {**row, "answer": (steps.replace(result, wrong) if rng.random() < 0.5 else steps) + f"#### {wrong}"}


def main() -> None:
    """Read the options and write both files."""
    options = argparse.ArgumentParser(description="Write the maths sample: training.jsonl and validation.jsonl.")
    options.add_argument("--out", type=Path, required=True, help="folder to write to; made if missing")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    rng = random.Random(chosen.seed)
    taken: set[str] = set()
    validation = problems(rng, dict.fromkeys(KINDS, VALIDATION_ROWS_PER_KIND), taken)
    training = dirty_lines(rng, problems(rng, TRAINING_ROWS, taken))
    chosen.out.mkdir(parents=True, exist_ok=True)
    lines = {"training": training, "validation": [json.dumps(row, ensure_ascii=False) for row in validation]}
    for name, content in lines.items():
        (chosen.out / f"{name}.jsonl").write_text("\n".join(content) + "\n", encoding="utf-8", newline="\n")
        print(f"{chosen.out / name}.jsonl: {len(content)} lines")


if __name__ == "__main__":
    main()
