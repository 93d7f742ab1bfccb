"""Word problems and their rewordings, as a person would write them: other sentences, names, number words, no distractors."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from data_optimizer.tests.problem_schemas import SCHEMAS, Schema

NAMES = re.findall(
    r"\w+",
    "Natalia Weng Betty Julie James Mark Albert Ken Alexis Tina Randy Jasper Joy Toula Carlos Marissa Gail Tim Raymond Chenny Milo Cynthia"
    " Janet Josh Wendi Kylar Eliza Claire Dana Ali Nissa Kyle Jill Steve Peter Maria Omar Priya Yusuf Hana Igor Mei Lars Ines Tomas",
)
_ONES: list[str] = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
)
_TENS: list[str] = re.findall(r"\w+", "zero ten twenty thirty forty fifty sixty seventy eighty ninety")
_DISTRACTOR = re.compile(r" ?\[(.*?)\]")


@dataclass(frozen=True)
class Problem:
    """A problem as first told, the same in other words, and its answer."""

    told: str
    reworded: str
    answer: int


def problems(count: int, seed: int, style: str) -> list[Problem]:
    """Different problems: no two of one schema with the same numbers, in whatever order.

    ``style`` of the rewording: ``plain`` (other sentences only), ``names`` (and other names), ``words`` (and numbers spelled out), or
    ``mixed`` (one of these at random). Rewordings leave distractors out, also their numbers.
    """
    draw = random.Random(seed)
    made: dict[tuple[int, ...], Problem] = {}
    while len(made) < count:
        at = draw.randrange(len(SCHEMAS))
        schema = SCHEMAS[at]
        values = {name: draw.randint(*bounds) for name, bounds in schema.ranges.items()}
        counted = sorted(value for name, value in values.items() if name in schema.answer)
        people = draw.sample(NAMES, 4)
        told = _DISTRACTOR.sub(lambda found: f" {found[1]}", schema.told).format(n=people[0], m=people[1], **values)
        own = draw.choice(("plain", "names", "words")) if style == "mixed" else style
        others = people[:2] if own == "plain" else people[2:]
        reworded = _reword(schema, own, values, others, draw)
        made.setdefault((at, *counted), Problem(told, reworded, _answer(schema, values)))
    return list(made.values())


def in_words(number: int) -> str:
    """``123`` as ``one hundred twenty-three``."""
    if number >= 1000:
        rest = f" {in_words(number % 1000)}" if number % 1000 else ""
        return f"{in_words(number // 1000)} thousand{rest}"
    if number >= 100:
        rest = f" {in_words(number % 100)}" if number % 100 else ""
        return f"{_ONES[number // 100]} hundred{rest}"
    if number < 20:
        return _ONES[number]
    return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")


def _reword(schema: Schema, style: str, values: dict[str, int], people: list[str], draw: random.Random) -> str:
    text = draw.choice(schema.reworded).format(n=people[0], m=people[1], **values)
    if style != "words":
        return text
    # A person spells small numbers out, and now and then a large one.
    return re.sub(
        r"\d+", lambda found: in_words(int(found[0])) if int(found[0]) <= 20 or draw.random() < 0.3 else found[0], text
    )


def _answer(schema: Schema, values: dict[str, int]) -> int:
    return int(eval(schema.answer, {"__builtins__": {}}, dict(values)))  # noqa: S307 - expressions of this folder
