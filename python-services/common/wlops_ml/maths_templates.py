"""Templates of maths word problems: the numbers shared by a problem and its steps become slots that can be filled anew.

``Template.from_row`` reads one solved problem; ``instantiate`` draws new numbers, recomputes every step and the answer, and checks
the result as strictly as any other row. Not covered: names and objects (they stay), numbers written as words (they stay too).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from wlops_ml.answers import final_answer, parse_number
from wlops_ml.maths import equation_target, evaluate, worked_steps
from wlops_ml.text import number_spans, to_fraction

_DRAWS = 200
_MAX_DIGITS = 12

#: A text cut at its numbers: plain pieces are `str`, numbers that vary are the name of their slot or step (`#0`, `=1`).
Pieces = tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """One problem with its numbers taken out.

    ``prompt`` and ``completion`` alternate plain text (even places) and names of numbers (odd places); ``expressions`` has one such
    sequence per step. ``slots`` are the numbers the source had, in order of the prompt; ``results`` those of its steps.
    """

    prompt: Pieces
    completion: Pieces
    expressions: tuple[Pieces, ...]
    slots: tuple[Fraction, ...]
    results: tuple[Fraction, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Template | None:
        """The template of a generation row; None when its answer cannot be verified or its numbers are ambiguous.

        Ambiguous means that one value has two roles (stands twice in the prompt, or is also the result of a step), so that nobody
        can tell which of the two a step meant.
        """
        prompt, completion = str(row["prompt"]), str(row["completion"])
        if equation_target(completion) is None:
            return None
        steps = worked_steps(completion)
        in_prompt = [_value(prompt[a:b]) for a, b in number_spans(prompt)]
        in_steps = {_value(step.expression[a:b]) for step in steps for a, b in number_spans(step.expression)}
        slots = [value for value in in_prompt if value is not None and value in in_steps and value > 1]
        results = [parse_number(step.result) for step in steps]
        named: dict[Fraction, str] = {}
        for value, name in [
            *((v, f"#{i}") for i, v in enumerate(slots)),
            *((v, f"={i}") for i, v in enumerate(results)),
        ]:
            if value is None or value in named:
                return None
            named[value] = name
        if not slots:
            return None
        return cls(
            _cut(prompt, named),
            _cut(completion, named),
            tuple(_cut(step.expression, named) for step in steps),
            tuple(slots),
            tuple(value for value in results if value is not None),
        )

    @property
    def key(self) -> tuple[Pieces, Pieces]:
        """Equal for templates that would make the same problems."""
        return self.prompt, self.completion

    def instantiate(self, rng: np.random.Generator) -> dict[str, str] | None:
        """A new problem ``{prompt, completion}`` with other numbers of like size; None when no fitting draw was found.

        Refused are results that are negative or fractional where the source had none, or have more digits than the source's, and
        draws in which a slot keeps its number.
        """
        for _ in range(_DRAWS):
            drawn = [self._draw(value, rng) for value in self.slots]
            if any(new == old for new, old in zip(drawn, self.slots, strict=True)):
                continue
            values = {f"#{index}": value for index, value in enumerate(drawn)}
            if self._compute(values):
                problem = {"prompt": _fill(self.prompt, values), "completion": _fill(self.completion, values)}
                if self._verified(problem["completion"], values):
                    return problem
        return None

    @staticmethod
    def _draw(value: Fraction, rng: np.random.Generator) -> Fraction:
        """A number between half and twice the source's, with as many decimals."""
        scale = value.denominator
        low, high = max(2 * scale, value.numerator // 2), 2 * value.numerator + 1
        return Fraction(int(rng.integers(min(low, high - 1), high, endpoint=True)), scale)

    def _compute(self, values: dict[str, Fraction]) -> bool:
        """Fill in the results of the steps; False when one does not suit the source."""
        for index, (expression, before) in enumerate(zip(self.expressions, self.results, strict=True)):
            result = evaluate(_fill(expression, values))
            if result is None or result.denominator > before.denominator or (result <= 0 < before):
                return False
            if abs(result) >= 10 ** len(str(abs(int(before)))):
                return False
            values[f"={index}"] = result
        return True

    def _verified(self, completion: str, values: Mapping[str, Fraction]) -> bool:
        stated = final_answer(completion)
        last = values[f"={len(self.results) - 1}"]
        return equation_target(completion) is not None and stated is not None and parse_number(stated) == last


def _value(token: str) -> Fraction | None:
    return to_fraction(token) if len(token) <= _MAX_DIGITS else None


def _cut(text: str, named: Mapping[Fraction, str]) -> Pieces:
    """The text as pieces, plain ones at even places; numbers without a name stay part of the plain text."""
    pieces, plain, end = [], "", 0
    for start, stop in number_spans(text):
        value = _value(text[start:stop])
        name = named.get(value) if value is not None else None
        plain += text[end:start]
        end = stop
        if name is None:
            plain += text[start:stop]
        else:
            pieces += [plain, name]
            plain = ""
    return (*pieces, plain + text[end:])


def _fill(pieces: Pieces, values: Mapping[str, Fraction]) -> str:
    return "".join(piece if index % 2 == 0 else _written(values[piece]) for index, piece in enumerate(pieces))


def _written(value: Fraction) -> str:
    """Digits as in a problem: an integer, or a decimal that ends."""
    if value.denominator == 1:
        return str(value.numerator)
    text = f"{float(value):.6f}".rstrip("0")
    return text if Fraction(text) == value else f"{value.numerator}/{value.denominator}"
