"""Files whose texts, or those of some classes, hold no word: emoji, symbols, digits, one character, scripts without spaces."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from data_optimizer.tests.workplace import Workplace, labelled_csv

_WORDS = ["card", "parcel", "invoice", "refund", "courier", "voucher", "password", "account"]
_KINDS: dict[str, Callable[[random.Random], str]] = {
    "emoji": lambda draw: "".join(draw.choices("\U0001f600\U0001f525\u2764\U0001f44d\U0001f389\U0001f621", k=8)),
    "symbols": lambda draw: "".join(draw.choices("!?#*%&~^@$", k=8)),
    "digits": lambda draw: str(draw.randrange(10**8)),
    "one character": lambda draw: chr(0x4E00 + draw.randrange(5_000)),
    "Chinese": lambda draw: "".join(chr(0x4E00 + draw.randrange(400)) for _ in range(draw.randint(4, 12))),
    "words": lambda draw: " ".join([*draw.choices(_WORDS, k=6), str(draw.randrange(10**6))]),
}
_COLUMNS = {"columns": {"text": "text", "label": "label"}}


def _rows(kinds: list[str], count: int, seed: int) -> list[tuple[str, str]]:
    """Of several kinds each is a class of its own; texts of one kind have labels that they do not show."""
    draw = random.Random(seed)
    names = kinds if len(kinds) > 1 else ["a", "b"]
    return [(_KINDS[kinds[row % len(kinds)]](draw), names[row % len(names)]) for row in range(count)]


@pytest.mark.parametrize(
    "kinds",
    [*([kind] for kind in _KINDS), ["words", "emoji"], ["emoji", "symbols", "digits"], ["words", "one character"]],
    ids="+".join,
)
def test_texts_without_words_go_through_both_iterations(workplace: Workplace, kinds: list[str]) -> None:
    files = {"source": labelled_csv(_rows(kinds, 300, 1)), "pool": labelled_csv(_rows(kinds, 300, 2))}
    first = workplace.optimise(files, source=_COLUMNS, pool=_COLUMNS)
    assert first.label_issues is not None
    assert first.label_issues.flagged <= 3
    later = workplace.improve(files, first, [_finding(kind) for kind in ("select", "fix", "augment", "replay")])
    assert later.trial is not None
    assert later.train.rows >= first.train.rows


def _finding(kind: str) -> dict[str, Any]:
    return {"id": f"imp_{kind}", "kind": kind, "slice": "all rows", "gainBound": 0.2, "predicate": None}
