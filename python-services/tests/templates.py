"""For the tests: problems of few templates and small numbers, which tell each other in other words again and again."""

from __future__ import annotations

import random
from collections.abc import Callable

#: Input and output of a problem.
Problem = tuple[str, str]
Family = Callable[[int, int], list[Problem]]

_WHO = ("Ada", "Ben", "Chloe", "David", "Emma", "Farid", "Grace", "Hugo", "Ines")
_THINGS = ("apples", "beads", "books", "cards", "coins", "eggs", "flowers")
_OTHERS = ("children", "friends", "neighbours", "teams")


def shared_out(count: int, seed: int) -> list[Problem]:
    """Problems of two templates, as a script makes them."""
    return _different(count, seed, _share)


def with_constants(count: int, seed: int) -> list[Problem]:
    """As ``shared_out``, a tenth of them with numbers that stand in each: days of a year and hours of a day."""
    return _different(count, seed, lambda draw: _hours(draw) if draw.random() < 0.1 else _share(draw))


def _different(count: int, seed: int, one: Callable[[random.Random], Problem]) -> list[Problem]:
    draw, made = random.Random(seed), dict[str, str]()
    while len(made) < count:
        made.update([one(draw)])
    return list(made.items())


def _share(draw: random.Random) -> Problem:
    name, thing, who, parts, each = (
        draw.choice(_WHO),
        draw.choice(_THINGS),
        draw.choice(_OTHERS),
        draw.randint(3, 19),
        draw.randint(5, 79),
    )
    told = draw.choice(
        (
            f"{name} shares {each * parts} {thing} equally among {parts} {who}. How many {thing} does each get?",
            f"{parts} {who} split {each * parts} {thing} evenly. How many {thing} are there for each?",
        )
    )
    large, small = max(each * parts, parts), min(each * parts, parts)
    return told, f"{large}/{small} = <<{large}/{small}={each}>>{each}\n#### {each}"


def _hours(draw: random.Random) -> Problem:
    name, years = draw.choice(_WHO), draw.randint(2, 400)
    told = draw.choice(
        (
            f"A year has 365 days and a day has 24 hours. How many hours does {name} live through in {years} years?",
            f"With 24 hours a day and 365 days a year, {name} works out the hours in {years} years. What is the result?",
            f"{name} counts {years} years in hours: each of 365 days, each day of 24 hours. How many hours are counted?",
        )
    )
    hours = years * 8760
    return told, f"365*24 = <<365*24=8760>>8760\n8760*{years} = <<8760*{years}={hours}>>{hours}\n#### {hours}"
