"""Worked answers of maths word problems: their steps, whether these hold, and the equations a small model learns to write.

Reads GSM8K's ``<<12*4=48>>`` annotations and plain ``12 * 4 = 48``, also side by side. Exact on fractions, own parser, no ``eval``.
Not covered: algebra, units, and steps told in words. Templates of whole problems are in ``maths_templates``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from wlops_ml.answers import final_answer, parse_number

#: The four operations in the order in which they are named, as they are shown to people.
OPERATIONS = ("+", "−", "×", "÷")

#: Longer texts are not equations that a person wrote, and could cost unbounded time.
MAX_EXPRESSION_CHARACTERS = 200
_MAX_NUMBER_DIGITS = 40

_SPELLINGS = str.maketrans(
    {"×": "*", "·": "*", "⋅": "*", "÷": "/", "∕": "/", "⁄": "/", "−": "-", "–": "-", "$": "", "€": "", "£": "", ",": ""}
)
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d*)?|\.\d+)|([-+*/()%]))")
_ANNOTATION = re.compile(r"<<([^<>=]{1,200})=(?:[^<>]{0,200}=)?([^<>=]{1,80})>>")
_OPERAND = r"\(*\s*[$€£]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)%?\s*\)*"
_OPERATOR = r"\s*(?:[-+*/×÷·−–]|(?<=\s)x(?=\s))\s*"
_PLAIN_STEP = re.compile(
    rf"(?<![\w.,*/×÷+=])(?<![-−]\d)({_OPERAND}(?:{_OPERATOR}{_OPERAND}){{1,12}})\s*=\s*([-−]?[$€£]?(?:\d[\d,]*(?:\.\d+)?|\.\d+))"
    rf"(?![\d.,]*\d)(?!{_OPERATOR}[\d(])"
)


@dataclass(frozen=True)
class Step:
    """One step of a worked answer, as written: ``Step('12*4', '48')``."""

    expression: str
    result: str

    @property
    def holds(self) -> bool | None:
        """Whether the result follows from the expression; None when either cannot be read.

        A result with decimals may be rounded or cut at its last place (``10/3=3.33``); one without must be exact.
        """
        computed, stated = evaluate(self.expression), parse_number(self.result)
        if computed is None or stated is None:
            return None
        decimals = len(self.result.strip().rstrip("%").partition(".")[2])
        return computed == stated if decimals == 0 else abs(computed - stated) < Fraction(1, 10**decimals)

    @property
    def equation(self) -> str | None:
        """``12*4=48`` in ASCII without spaces; None unless it holds exactly."""
        computed, stated = evaluate(self.expression), parse_number(self.result)
        if computed is None or computed != stated or "%" in self.expression + self.result:
            return None
        return f"{_ascii(self.expression)}={_ascii(self.result)}"


def worked_steps(completion: str) -> list[Step]:
    """The steps of a worked answer in order: its annotations and plain equations.

    Beside annotations a plain equation is a step only where it holds: the text around them may round or speak loosely.
    """
    found = _equations(completion)
    annotated = {position for position, is_annotation in enumerate(kind for _, kind in found) if is_annotation}
    return [step for position, (step, _) in enumerate(found) if not annotated or position in annotated or step.holds]


def stated_results(completion: str) -> list[str]:
    """The result of every equation of a worked answer, as written, whether it holds or not."""
    return [step.result for step, _ in _equations(completion)]


def _equations(completion: str) -> list[tuple[Step, bool]]:
    """All equations in order, each with whether it is an annotation. An equation and its own annotation count once."""
    marked = [(match.start(), match, True) for match in _ANNOTATION.finditer(completion)]
    # A sign of equal length keeps the places, and no equation runs across it.
    rest = _ANNOTATION.sub(lambda match: "|" * len(match[0]), completion)
    plain = [(match.start(), match, False) for match in _PLAIN_STEP.finditer(rest)]
    found: list[tuple[Step, bool]] = []
    for _, match, is_annotation in sorted([*marked, *plain], key=lambda one: one[0]):
        step = Step(match[1].strip(), match[2].strip())
        said_twice = (
            bool(found) and found[-1][1] != is_annotation and step.equation == found[-1][0].equation is not None
        )
        if said_twice:
            found.pop()
        found.append((step, is_annotation or said_twice))
    return found


def operations(completion: str) -> tuple[str, ...]:
    """The operations that the steps use, each once, in the order of ``OPERATIONS``."""
    used: set[str] = set()
    for step in worked_steps(completion):
        expression = _ascii(step.expression).removeprefix("-")
        used.update(name for name, sign in zip(OPERATIONS, "+-*/", strict=True) if sign in expression)
    return tuple(name for name in OPERATIONS if name in used)


def equation_target(completion: str) -> str | None:
    """The steps as a small model writes them, ``12*4=48;48+5=53``.

    None when there is no step, a step does not hold exactly, or the last result is not the final answer.
    """
    steps = worked_steps(completion)
    equations = [step.equation for step in steps]
    stated = final_answer(completion)
    if not steps or stated is None or parse_number(steps[-1].result) != parse_number(stated):
        return None
    written = [equation for equation in equations if equation is not None]
    return ";".join(written) if len(written) == len(equations) else None


def evaluate(expression: str) -> Fraction | None:
    """The exact value of an expression of numbers, ``+ - * / ( ) %`` and their typographic spellings.

    None when it is not such an expression, divides by zero, or is longer than ``MAX_EXPRESSION_CHARACTERS``.
    """
    tokens = _tokens(expression)
    if not tokens:
        return None
    try:
        value, position = _sum(tokens, 0)
    except (ValueError, ZeroDivisionError):
        return None
    return value if position == len(tokens) else None


def _spelled(expression: str) -> str:
    return re.sub(r"(?<=[\s\d)])[xX](?=[\s\d(])", "*", expression).translate(_SPELLINGS)


def _ascii(expression: str) -> str:
    return "".join(_spelled(expression).split())


def _tokens(expression: str) -> list[str] | None:
    """The tokens, or None where something else stands between them."""
    if len(expression) > MAX_EXPRESSION_CHARACTERS:
        return None
    text, position, tokens = _spelled(expression).strip(), 0, []
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or len(match[0].strip()) > _MAX_NUMBER_DIGITS:
            return None
        tokens.append(match[1] or match[2])
        position = match.end()
    return tokens


def _sum(tokens: list[str], position: int) -> tuple[Fraction, int]:
    value, position = _product(tokens, position)
    while position < len(tokens) and tokens[position] in "+-":
        right, after = _product(tokens, position + 1)
        value = value + right if tokens[position] == "+" else value - right
        position = after
    return value, position


def _product(tokens: list[str], position: int) -> tuple[Fraction, int]:
    value, position = _factor(tokens, position)
    while position < len(tokens) and tokens[position] in "*/":
        right, after = _factor(tokens, position + 1)
        value = value * right if tokens[position] == "*" else value / right
        position = after
    return value, position


def _factor(tokens: list[str], position: int) -> tuple[Fraction, int]:
    """A number, a sign before a factor, or a sum in brackets; then any per cent signs. Raises ``ValueError`` at anything else."""
    if position >= len(tokens):
        raise ValueError("the expression ends too early")
    sign = tokens[position]
    if sign in ("+", "-"):
        value, after = _factor(tokens, position + 1)
        return (value if sign == "+" else -value), after
    if sign == "(":
        value, after = _sum(tokens, position + 1)
        if after >= len(tokens) or tokens[after] != ")":
            raise ValueError("a bracket is not closed")
        after += 1
    elif sign[0].isdigit() or sign[0] == ".":
        value, after = Fraction(sign), position + 1
    else:
        raise ValueError(f"unexpected {sign}")
    while after < len(tokens) and tokens[after] == "%":
        value, after = value / 100, after + 1
    return value, after
