"""The calculator a model may use while it writes: at the equals sign it reads the expression before it and says the result.

Cobbe et al. 2021 (GSM8K) gave it to their models in the same way. Not here: parsing arithmetic (``wlops_ml.maths``).
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from wlops_ml.maths import evaluate

_TRAILING_EXPRESSION = re.compile(r"[\d.,()+\-*/×÷−·%$€£ ]+\Z")
_OPERATOR = re.compile(r"[\d)%] *[-+*/×÷−·]")
_LONGEST_EXPRESSION = 120
#: Decimals of a result that does not end, as people write 33.33.
_ROUNDED_DECIMALS = 2
_MOST_DECIMALS = 6


def result_of(written: str) -> Fraction | None:
    """Value of the expression with which ``written`` ends (without its equals sign), or None when it ends with none.

    The value is the one ``spell`` writes: rounded to two decimals when it has no end.
    """
    match = _TRAILING_EXPRESSION.search(written[-_LONGEST_EXPRESSION:])
    expression = match[0].lstrip(" .,)*/+×÷·%") if match else ""
    if not _OPERATOR.search(expression):
        return None
    value = evaluate(expression)
    return None if value is None or abs(value) >= 10**15 else Fraction(spell(value))


def spell(value: Fraction) -> str:
    """The number as it is written in an answer: ``48``, ``2.5``, ``33.33``; without thousands separators."""
    if value.denominator == 1:
        return str(value.numerator)
    scaled = value * 10**_MOST_DECIMALS
    decimals = _MOST_DECIMALS if scaled.denominator == 1 else _ROUNDED_DECIMALS
    text = f"{Decimal(round(value * 10**decimals)).scaleb(-decimals):f}"
    return text.rstrip("0").rstrip(".")
