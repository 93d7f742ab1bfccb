"""Final answers: taking them out of a completion, reading them as numbers and comparing them.

Extraction follows the two filters of lm-evaluation-harness' ``gsm8k`` task (v3): *strict* wants ``#### N``, *flexible*
takes the last number. Not covered: symbolic mathematics; ``x+1`` and ``1+x`` differ here.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

#: A lone text longer than this is an explanation, not an answer.
SHORT_ANSWER_CHARACTERS = 80

#: A number may carry this many words of unit and still be that number.
UNIT_WORDS = 3

#: Longer digit strings are refused: reading them costs quadratic time, and no answer needs them.
MAX_DIGITS = 400

# A minus belongs to the number only where it cannot be a subtraction: not after a word, a digit or a closing bracket.
_NUMBER = re.compile(
    r"(?:(?<![\w)\]])[-+])?(?:[$€£¥]\s?)?(?:(?<=[$€£¥])[-+])?"
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\d)\.\d+)(?:\s?/\s?\d+(?![\d.]))?(?:\s?%)?"
)
_STRICT = re.compile(r"####[ \t]*([^\n]*)")
_STRICT_NUMBER = re.compile(r"#### (-?[0-9.,]+(?:/[0-9]+)?%?)")
_SAID = re.compile(r"\banswer\s*(?:is|=|:)[\s:]*([^\n]+)", re.IGNORECASE)
_FRACTION_COMMAND = re.compile(r"(\d?)\s*\\[dt]?frac\s*(?:\{\s*(-?\d+)\s*\}|(\d))\s*(?:\{\s*(-?\d+)\s*\}|(\d))")
_WORDS_COMMAND = re.compile(r"\\(?:text|mathrm|mbox|textbf|mathbf)\s*\{([^{}]*)\}")
_DEGREES = re.compile(r"\s*(?:\^\s*\{?\s*\\circ\s*\}?|°)")
_SPACE_COMMAND = re.compile(r"\\[,;:! ]|~|\\q?quad")
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,/])(\d{1,3})((?: \d{3})+)(?![\d/])")
_PLAIN = re.compile(r"([-+]?)(\d+(?:\.\d*)?|\.\d+)(?:e([-+]?\d{1,2}))?", re.IGNORECASE)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MIXED = re.compile(r"([-+]?)(\d+) (\d+)/(\d+)")


def strict_answer(completion: str) -> str | None:
    """The number after the first ``#### ``, as written, or None; a currency sign or a missing space is not the asked form.

    What the harness' filter takes, and a fraction or per cent sign where one follows.
    """
    found = _STRICT_NUMBER.search(completion)
    return found[1].rstrip(".,") or None if found else None


def flexible_answer(completion: str) -> str | None:
    """The last number in the completion, as written, or None when there is none."""
    numbers = _numbers(completion)
    return numbers[-1] if numbers else None


def final_answer(completion: str) -> str | None:
    r"""The answer a completion gives, or None when it gives none.

    In this order: the text after the last ``####``, the last ``\boxed{…}``, what follows "the answer is", the number when
    the completion holds exactly one, else the whole text when it is one short line.
    """
    marked = _STRICT.findall(completion)
    if marked:
        return str(marked[-1]).strip() or None
    boxed = _last_boxed(completion)
    if boxed is not None:
        return boxed.strip() or None
    said = _SAID.findall(completion)
    if said:
        return _said_value(str(said[-1]))
    text = completion.strip()
    if not text:
        return None
    if parse_number(text) is not None:
        return text
    numbers = _numbers(text)
    if len(numbers) == 1:
        return numbers[0]
    return text if "\n" not in text and len(text) <= SHORT_ANSWER_CHARACTERS else None


def parse_number(text: str) -> Fraction | None:
    r"""The exact value of a text that is one number and nothing else, or None.

    Reads thousands separators (``1,000``, ``1 000``), currency signs, per cent (``50%`` is 1/2), ``a/b``, mixed numbers
    (``1 1/2``), ``\frac{a}{b}`` and ``\frac12``, decimals, exponents up to two digits, a trailing full stop, Unicode minus and
    full-width digits.
    """
    if len(text) > MAX_DIGITS:
        return None
    plain = _without_latex(unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u2044", "/"))
    plain = _SPACED_THOUSANDS.sub(lambda found: found[0].replace(" ", ""), plain)
    plain = _THOUSANDS.sub("", re.sub(r"[$€£¥]", "", plain).strip().rstrip(".").strip())
    scale = 1
    if plain.endswith("%"):
        plain, scale = plain[:-1].strip(), 100
    mixed = _MIXED.fullmatch(plain)
    if mixed:
        sign, whole, top, bottom = mixed.groups()
        if int(bottom) == 0:
            return None
        return (int(whole) + Fraction(int(top), int(bottom))) * (-1 if sign == "-" else 1) / scale
    top_text, slash, bottom_text = plain.partition("/")
    top_value = _plain_value(top_text.strip())
    bottom_value = _plain_value(bottom_text.strip()) if slash else Fraction(1)
    if top_value is None or not bottom_value:
        return None
    return top_value / bottom_value / scale


def same_answer(a: str, b: str) -> bool:
    """Whether two answers say the same: equal numbers when both are numbers, else equal texts after normalisation.

    A number with a unit equals the bare number (``12 apples`` and ``12``) when only one side carries the unit; two units must be
    the same, in singular or plural. ``50%`` equals ``0.5`` and also ``50``: references and models disagree on whether the sign
    belongs to the answer.
    """
    a, b = _without_latex(a), _without_latex(b)
    left, right = parse_number(a), parse_number(b)
    if left is not None and right is not None:
        return left == right or (_per_cent(a) != _per_cent(b) and _bare(a, left) == _bare(b, right))
    if (left is None) != (right is None):
        number, worded = (left, b) if left is not None else (right, a)
        inner = _numbers(worded)
        return len(inner) == 1 and len(worded.split()) <= UNIT_WORDS + 1 and parse_number(inner[0]) == number
    return normal_text(a) == normal_text(b) or _same_quantity(a, b)


def normal_text(text: str) -> str:
    """A text for comparison: NFKC, case folded, single spaces, without surrounding quotes and closing punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).strip(" \"'`.,;:!?")


def _numbers(text: str) -> list[str]:
    return [match.group(0) for match in _NUMBER.finditer(text)]


def _said_value(said: str) -> str | None:
    numbers = _numbers(said)
    return numbers[0] if numbers else said.strip().strip("*$ ").rstrip(".").strip() or None


def _last_boxed(text: str) -> str | None:
    r"""What stands in the last ``\boxed{…}``, braces balanced."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    begin = start + len("\\boxed{")
    depth = 1
    for index in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[begin:index]
    return None


def _without_latex(text: str) -> str:
    """The text with the LaTeX commands of answers written out: fractions, words, degrees, thin spaces, escaped signs."""
    if len(text) > MAX_DIGITS:
        return text
    plain = _FRACTION_COMMAND.sub(_written_fraction, _DEGREES.sub(" degrees", text))
    plain = _WORDS_COMMAND.sub(r" \1 ", plain).replace("{,}", ",")
    return _SPACE_COMMAND.sub(" ", plain).replace("\\%", "%").replace("\\$", "$")


def _written_fraction(found: re.Match[str]) -> str:
    whole, top, short_top, bottom, short_bottom = found.groups()
    return f"{whole}{' ' if whole else ''}{top or short_top}/{bottom or short_bottom}"


def _same_quantity(a: str, b: str) -> bool:
    """Whether two short texts hold one number each, the same, and the same unit."""
    sides = []
    for text in (a, b):
        found = _numbers(text)
        if len(found) != 1 or len(text.split()) > UNIT_WORDS + 1:
            return False
        unit = normal_text(text.replace(found[0], " ", 1))
        sides.append((parse_number(found[0]), unit.removesuffix("s")))
    return sides[0][0] is not None and sides[0] == sides[1]


def _plain_value(text: str) -> Fraction | None:
    match = _PLAIN.fullmatch(text)
    return Fraction(match.group(0)) if match else None


def _per_cent(text: str) -> bool:
    return "%" in text or "％" in text


def _bare(text: str, value: Fraction) -> Fraction:
    """The value as it would read without its per cent sign."""
    return value * 100 if _per_cent(text) else value
