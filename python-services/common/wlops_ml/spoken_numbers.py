"""The numbers of a text whether written in digits or in English words: ``12``, ``twelve``, ``one hundred and five``, ``twice``.

Not read, because they rarely name a quantity or have many spellings: a lone ``one``, ordinals, fractions in words. Not covered: other
languages, whose texts have their digits only.
"""

from __future__ import annotations

import re

from wlops_ml.text import canonical_number, numbers

_ONES = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
)
_TENS = re.findall(r"\w+", "twenty thirty forty fifty sixty seventy eighty ninety")
_SMALL = {word: value for value, word in enumerate(_ONES)} | {word: 10 * at for at, word in enumerate(_TENS, 2)}
_LARGE = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_FACTORS = {
    "twice": 2,
    "double": 2,
    "doubled": 2,
    "doubles": 2,
    "thrice": 3,
    "triple": 3,
    "tripled": 3,
    "triples": 3,
    "dozen": 12,
    "dozens": 12,
}
_ANY = "|".join(sorted({*_SMALL, *_LARGE}, key=len, reverse=True))
_SPOKEN = re.compile(
    rf"\b(?:(?:{_ANY})(?:(?:[\s-]+|\s+and\s+)(?:{_ANY}))*|{'|'.join(sorted(_FACTORS, key=len, reverse=True))})\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d[\d.,]*")


def spoken_numbers(text: str) -> tuple[str, ...]:
    """All numbers of the text, sorted, in one spelling (as ``wlops_ml.text.numbers``): a multiset."""
    spoken = [value for found in _SPOKEN.findall(text) for value in _values(found.lower())]
    return tuple(sorted([*numbers(text), *(canonical_number(str(value)) for value in spoken)]))


def without_numbers(text: str) -> str:
    """The text in lower case with its numbers left out."""
    return _DIGITS.sub(" ", _SPOKEN.sub(" ", text)).lower()


def _values(words: str) -> list[int]:
    """The numbers that a run of number words says: ``two hundred and five`` is 205, ``two three`` is 2 and 3."""
    if words in _FACTORS:
        return [_FACTORS[words]]
    if words == "one":
        return []
    found: list[int] = []
    total, part, last = 0, 0, 0
    for word in re.findall(r"[a-z]+", words):
        if word == "and":
            continue
        if word in _LARGE:
            scale = _LARGE[word]
            part = max(part, 1) * scale
            if scale > 100:
                total, part = total + part, 0
            last = scale
            continue
        value = _SMALL[word]
        if last and (last < 20 or value >= 20) and last < 100:  # no compound: another number begins
            found.append(total + part)
            total, part = 0, 0
        part += value
        last = max(value, 1)
    return [*found, total + part]
