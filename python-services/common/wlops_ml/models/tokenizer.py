"""Text to tokens for a model that must copy: words from a vocabulary, numbers and rare words by their place in the row.

A number in the prompt is a *slot* (first number, second number, …); where the answer uses the same number it names the slot. So a
rule learned on some numbers holds for all numbers. Only a single digit is told beside its slot: the 2 of "2 times" means more than
its size. Results of the calculator become slots as well. Numbers of the answer that stand nowhere before are spelled digit by
digit. Rare words get slots of their own.
Not here: tokenizers of pretrained models (``hf``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from wlops_ml.models.calculator import result_of, spell

_IDEOGRAPHS = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_PIECE = re.compile(
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,]*\d)|\d+(?:\.\d+)?)"
    rf"|(?P<ideograph>[{_IDEOGRAPHS}])"
    rf"|(?P<word> ?(?:(?![{_IDEOGRAPHS}])[^\W\d_])+)"
    r"|(?P<sign> ?[^\w\s])"
    r"|(?P<other>[\s\S])"
)
_RESULT = re.compile(r"( ?)(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,]*\d)|\d+(?:\.\d+)?)")

PAD, SEPARATOR, EQUATION_SEPARATOR, END, UNKNOWN, CALCULATE, CALCULATE_SPACED = range(7)
_DIGITS = 7
_NUMBER_SLOTS = _DIGITS + 10
NUMBER_SLOT_COUNT = 32
_WORD_SLOTS = _NUMBER_SLOTS + NUMBER_SLOT_COUNT
WORD_SLOT_COUNT = 16
_WORDS = _WORD_SLOTS + WORD_SLOT_COUNT
#: Never written by a model.
UNWRITABLE = (PAD, SEPARATOR, EQUATION_SEPARATOR, UNKNOWN)
_ALWAYS_KNOWN = (" ", ".", "-")


@dataclass
class Memory:
    """The numbers and rare words of one row, in the order in which they came: what slots point to."""

    numbers: list[Fraction] = field(default_factory=list)
    uses: list[int] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def add_number(self, value: Fraction) -> int | None:
        """Slot token of a new number; None when all slots are taken."""
        if len(self.numbers) >= NUMBER_SLOT_COUNT:
            return None
        self.numbers.append(value)
        self.uses.append(0)
        return _NUMBER_SLOTS + len(self.numbers) - 1

    def find_number(self, value: Fraction) -> int | None:
        """Slot token of a number met before: of equal ones the least used, then the first. None when there is none."""
        equal = [slot for slot, number in enumerate(self.numbers) if number == value]
        if not equal:
            return None
        chosen = min(equal, key=lambda slot: self.uses[slot])
        self.uses[chosen] += 1
        return _NUMBER_SLOTS + chosen

    def word(self, word: str, *, may_add: bool) -> int | None:
        """Slot token of a rare word, new if it may be; None when there is none."""
        if word in self.words:
            return _WORD_SLOTS + self.words.index(word)
        if not may_add or len(self.words) >= WORD_SLOT_COUNT:
            return None
        self.words.append(word)
        return _WORD_SLOTS + len(self.words) - 1

    def empty_slots(self) -> list[int]:
        """Slot tokens that point to nothing yet, which a model must not write."""
        numbers = range(_NUMBER_SLOTS + len(self.numbers), _WORD_SLOTS)
        words = range(_WORD_SLOTS + len(self.words), _WORDS)
        return [*numbers, *words]


class CopyTokenizer:
    """Prompts and answers to token numbers and back."""

    def __init__(self, words: Iterable[str]) -> None:
        """Use these pieces, in this order, as tokens of their own."""
        self.words = list(words)
        self._numbers = {word: _WORDS + number for number, word in enumerate(self.words)}

    @classmethod
    def of(cls, texts: Iterable[str], max_words: int) -> CopyTokenizer:
        """The tokenizer for these texts: pieces met at least twice, the most frequent first, at most ``max_words``."""
        counts = Counter(piece for text in texts for kind, piece in _pieces(text) if kind != "number")
        frequent = [piece for piece, count in counts.items() if count > 1 and piece not in _ALWAYS_KNOWN]
        frequent.sort(key=lambda piece: (-counts[piece], piece))
        return cls([*_ALWAYS_KNOWN, *frequent[:max_words]])

    @property
    def size(self) -> int:
        """Number of different tokens."""
        return _WORDS + len(self.words)

    def encode_prompt(self, text: str) -> tuple[list[int], Memory]:
        """Tokens of a prompt, without a separator, and the memory an answer may refer to. White space is told only by words."""
        tokens: list[int] = []
        memory = Memory()
        for kind, piece in _pieces(" ".join(text.split())):
            if kind == "number":
                slot = memory.add_number(_value(piece))
                tokens += [slot] if slot is not None else []
                tokens += self._digits(piece) if len(piece) == 1 else []
            elif piece in self._numbers and piece != " ":
                tokens.append(self._numbers[piece])
            elif piece != " ":
                slot = memory.word(piece.strip(), may_add=kind == "word")
                tokens.append(UNKNOWN if slot is None else slot)
        return tokens, memory

    def encode_answer(self, text: str, memory: Memory) -> list[int]:
        """Tokens of an answer, without the end; ``memory`` is the prompt's and gains the answer's results.

        An equals sign whose result is what the calculator would say becomes the token that calls it.
        """
        tokens: list[int] = []
        position = 0
        while position < len(text):
            match = _match(text, position)
            piece, kind = match[0], match.lastgroup
            position = match.end()
            result = _RESULT.match(text, position) if piece.strip() == "=" else None
            if result is not None and _close(result_of(text[: match.start()]), _value(result[0])):
                slot = memory.add_number(_value(result[0]))
                if slot is not None:
                    tokens += [*self._sign_before(piece), CALCULATE_SPACED if result[1] else CALCULATE, slot]
                    position = result.end()
                    continue
            tokens += self._number(piece, memory) if kind == "number" else self._piece(piece, memory)
        return tokens

    def write(self, token: int, memory: Memory) -> str:
        """The text of one token of an answer."""
        if token == CALCULATE:
            return "="
        if token == CALCULATE_SPACED:
            return "= "
        if _DIGITS <= token < _NUMBER_SLOTS:
            return str(token - _DIGITS)
        if _NUMBER_SLOTS <= token < _WORD_SLOTS:
            return spell(memory.numbers[token - _NUMBER_SLOTS])
        if _WORD_SLOTS <= token < _WORDS:
            return memory.words[token - _WORD_SLOTS]
        return self.words[token - _WORDS] if token >= _WORDS else ""

    def _sign_before(self, piece: str) -> list[int]:
        return [self._numbers[" "]] if piece.startswith(" ") else []

    def _number(self, piece: str, memory: Memory) -> list[int]:
        slot = memory.find_number(_value(piece))
        return self._digits(piece) if slot is None else [slot]

    def _digits(self, number: str) -> list[int]:
        point = self._numbers["."]
        return [point if sign == "." else _DIGITS + int(sign) for sign in number if sign != ","]

    def _piece(self, piece: str, memory: Memory) -> list[int]:
        if piece in self._numbers:
            return [self._numbers[piece]]
        slot = memory.word(piece.strip(), may_add=False)
        return [*self._sign_before(piece), UNKNOWN if slot is None else slot]


def calculator_token(token: int, written: str, memory: Memory) -> int | None:
    """After ``token`` was written: the slot token the calculator forces next, its result being added to ``memory``; else None.

    ``written`` is the answer so far without the equals sign.
    """
    if token not in (CALCULATE, CALCULATE_SPACED):
        return None
    value = result_of(written)
    return None if value is None else memory.add_number(value)


def _match(text: str, position: int) -> re.Match[str]:
    match = _PIECE.match(text, position)
    assert match is not None  # noqa: S101 - the last alternative takes any character
    return match


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    for match in _PIECE.finditer(text):
        yield match.lastgroup or "other", match[0]


def _value(number: str) -> Fraction:
    return Fraction(number.replace(",", "").strip())


def _close(computed: Fraction | None, stated: Fraction) -> bool:
    """Whether the stated result is the computed one, as ``calculator.result_of`` rounds it."""
    return (
        computed is not None
        and abs(computed - stated) < Fraction(1, 100)
        and (computed == stated or stated.denominator > 1)
    )
