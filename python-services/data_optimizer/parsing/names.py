"""The names that people give to columns, by role, in order of preference.

``src/contracts/column-names.json`` lists them for both languages: the API counts records by the same header rule. Not here: which
column of a file takes a role (``columns``).
"""

from __future__ import annotations

import re
from typing import Any

from data_optimizer.parsing.contracts import contract

_SHARED: dict[str, Any] = contract("column-names.json")
_ROLES = _SHARED["roles"]

TEXT_NAMES: tuple[str, ...] = tuple(_ROLES["text"])
LABEL_NAMES: tuple[str, ...] = tuple(_ROLES["label"])
#: Of these, the ones that nobody gives to a mere remark on a prompt and its answer.
UNMISTAKABLE_LABEL_NAMES: frozenset[str] = frozenset(_ROLES["unmistakableLabel"])
#: Two columns that make one text when both are there, in reading order.
TITLE_NAMES: tuple[str, ...] = tuple(_ROLES["title"])
BODY_NAMES: tuple[str, ...] = tuple(_ROLES["body"])
#: Two texts that are judged together (SNLI, Quora pairs, QNLI).
TEXT_PAIRS: tuple[tuple[str, str], ...] = tuple((first, second) for first, second in _ROLES["textPairs"])
#: Pairs for generation, most telling first.
GENERATION_PAIRS: tuple[tuple[str, str], ...] = tuple((given, wanted) for given, wanted in _ROLES["generationPairs"])
#: Columns that go before the input where they hold something (`instruction` + `input`, SVAMP's `Body` + `Question`).
CONTEXT_PAIRS: tuple[tuple[str, str], ...] = tuple((before, after) for before, after in _ROLES["contextPairs"])
MESSAGES_NAMES: tuple[str, ...] = tuple(_ROLES["messages"])
#: Columns of word problems, beside which a column of numbers is the answer and no label.
PROBLEM_NAMES: frozenset[str] = frozenset(_ROLES["problem"])
#: Of a column that is neither input nor output.
OTHER_NAMES: frozenset[str] = frozenset(_ROLES["other"])
#: How a word problem is solved, where the answer has a column of its own.
EQUATION_NAMES: tuple[str, ...] = tuple(_ROLES["equation"])

#: What a caller may call a role in `columns`, and the role it means.
ROLE_ALIASES: dict[str, str] = _SHARED["givenRoles"]
CLASSIFICATION_ROLES = frozenset({"text", "sentence", "utterance", "label", "intent", "category", "class"})

_KNOWN: frozenset[str] = frozenset(_SHARED["names"])
_CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def plain_name(name: str) -> str:
    """A column name for comparison: lower case; blanks, hyphens and the humps of camel case as underscores."""
    return "_".join(_CAMEL_HUMP.sub(" ", name).lower().replace("-", " ").split())


def is_known_name(name: str) -> bool:
    """Whether people use this as the name of a column of a data set."""
    return plain_name(name) in _KNOWN
