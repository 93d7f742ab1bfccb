"""Cheap features of a row that a person can check by eye, and the predicates over them that name a slice.

The evaluator finds slices with them and the optimizer acts on the slices, so a predicate means the same rows in both.
Not covered: features that need a model (confidence, embeddings), and finding slices (the evaluator's ``slices``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wlops_common.contracts import TaskType
from wlops_ml.answers import final_answer, parse_number
from wlops_ml.maths import operations, worked_steps
from wlops_ml.text import number_spans

CONFUSED = "confused"
CLUSTER = "cluster"
ARROW = " → "

#: How many of a cluster's terms a row must hold to belong to it.
CLUSTER_TERMS_NEEDED = 2

#: Upper bounds in words. Fixed, not quantiles: a bucket must mean the same rows in every file.
LENGTH_BOUNDS = ((8, "short"), (20, "medium"), (50, "long"))
SIZE_BOUNDS = ((10, "below 10"), (100, "10 to 99"), (1000, "100 to 999"))
MAX_COUNTED = 6
MAX_META_CHARACTERS = 60

_OF_BOTH = frozenset(["length", "first word", CLUSTER])
#: Features that input and output tell by themselves; any other is a column of the user's.
TOLD_BY_TEXTS: dict[TaskType, frozenset[str]] = {
    "classification": _OF_BOTH | {"label", "has number", "question", CONFUSED},
    "generation": _OF_BOTH | {"operation", "steps", "numbers", "answer", "question word"},
}

# Scripts written without spaces count one word per character.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+(?:['’][^\W_]+)*")
_QUESTION_WORD = re.compile(
    r"\b(?:how(?: (?:many|much|far|long|old|often|tall|fast|big))?|what|which|when|where|who|whose|why)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, order=True)
class Predicate:
    """What a slice's rows have in common: ``Predicate('operation', '÷')``, shown as ``operation = ÷``."""

    feature: str
    value: str

    @property
    def name(self) -> str:
        """How the slice is shown and stored: ``feature = value``."""
        return f"{self.feature} = {self.value}"

    def to_json(self) -> dict[str, str]:
        """As it stands in ``improvements.json``."""
        return {"feature": self.feature, "value": self.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Predicate:
        """The inverse of ``to_json``. Raises ``ValueError`` when a field is missing or not text."""
        feature, value = data.get("feature"), data.get("value")
        if not isinstance(feature, str) or not isinstance(value, str):
            raise ValueError("a predicate needs the text fields `feature` and `value`")  # noqa: TRY004 (bad data, not a bad call)
        return cls(feature, value)


def words(text: str) -> list[str]:
    """The words of a text in order, case folded; a character of a script without spaces is a word of its own."""
    return _WORD.findall(text.casefold())


def features(row: Mapping[str, Any], task_type: TaskType) -> dict[str, str]:
    """The row's features, name to value: those of ``TOLD_BY_TEXTS``, then the user's own columns.

    Classification: ``label``, ``length``, ``first word``, ``has number``, ``question``. Generation: ``operation`` and
    ``steps`` (from the reference's worked steps), ``numbers`` (in the prompt), ``answer`` (its size), ``length``,
    ``first word``, ``question word``. A row that uses several operations has them all in
    ``operation``, joined by a space; a predicate matches each of them. A feature a row lacks is absent, never empty.
    """
    found = _classification(row) if task_type == "classification" else _generation(row)
    for name, value in _meta(row.get("meta")):
        found.setdefault(name, value)
    return found


def predicates(row: Mapping[str, Any], task_type: TaskType) -> list[Predicate]:
    """Every predicate over a single feature that the row matches, in a fixed order."""
    found = features(row, task_type)
    return [Predicate(name, part) for name, value in found.items() for part in _parts(name, value, task_type)]


def matches(row: Mapping[str, Any], predicate: Predicate, task_type: TaskType) -> bool:
    """Whether the row belongs to the slice.

    ``operation = ÷`` holds when the row uses it, alone or among others. ``confused = a → b`` holds for the rows of both
    classes: those a remedy must look at. ``cluster = terms`` holds when the input has at least two of the terms.
    """
    if predicate.feature == CONFUSED and task_type == "classification":
        label = str(row.get("label") or "")
        return bool(label) and (predicate.value.startswith(label + ARROW) or predicate.value.endswith(ARROW + label))
    if predicate.feature == CLUSTER:
        terms = set(predicate.value.split(", "))
        needed = min(CLUSTER_TERMS_NEEDED, len(terms))
        return len(terms.intersection(words(_input(row, task_type)))) >= needed
    value = features(row, task_type).get(predicate.feature)
    return value is not None and predicate.value in _parts(predicate.feature, value, task_type)


def _parts(name: str, value: str, task_type: TaskType) -> list[str]:
    return value.split(" ") if name == "operation" and task_type == "generation" else [value]


def _input(row: Mapping[str, Any], task_type: TaskType) -> str:
    return str(row.get("text" if task_type == "classification" else "prompt") or "")


def _classification(row: Mapping[str, Any]) -> dict[str, str]:
    text = _input(row, "classification")
    found = {"label": str(row["label"])} if row.get("label") else {}
    found |= _opening(text)
    found["has number"] = "yes" if number_spans(text) else "no"
    found["question"] = "yes" if "?" in text or "？" in text else "no"
    return found


def _generation(row: Mapping[str, Any]) -> dict[str, str]:
    prompt, completion = _input(row, "generation"), str(row.get("completion") or "")
    found = {}
    used = operations(completion)
    if used:
        found["operation"] = " ".join(used)
    found["steps"] = _count(len(worked_steps(completion)))
    found["numbers"] = _count(len(number_spans(prompt)))
    answer = row.get("answer") or final_answer(completion)
    if answer:
        found["answer"] = _size(str(answer))
    found |= _opening(prompt)
    asked = _QUESTION_WORD.findall(prompt)
    if asked:
        found["question word"] = asked[-1].lower()
    return found


def _opening(text: str) -> dict[str, str]:
    spoken = words(text)
    length = next((name for bound, name in LENGTH_BOUNDS if len(spoken) <= bound), "very long")
    return {"length": length, "first word": spoken[0]} if spoken else {"length": length}


def _count(count: int) -> str:
    return str(count) if count < MAX_COUNTED else f"{MAX_COUNTED} or more"


def _size(answer: str) -> str:
    """The kind and magnitude of an answer, in words."""
    value = parse_number(answer)
    if value is None:
        return "words"
    if value.denominator != 1:
        return "not whole"
    if value < 0:
        return "negative"
    return next((name for bound, name in SIZE_BOUNDS if value < bound), "1000 or more")


def _meta(meta: Any) -> list[tuple[str, str]]:
    """The user's own columns that could name a slice: short texts, whole numbers and booleans."""
    if not meta:
        return []
    try:
        columns = json.loads(meta) if isinstance(meta, str) else meta
    except ValueError:
        return []
    if not isinstance(columns, Mapping):
        return []
    found = []
    for name, value in columns.items():
        if isinstance(value, (bool, int)) or (isinstance(value, str) and 0 < len(value) <= MAX_META_CHARACTERS):
            found.append((str(name), str(value).lower() if isinstance(value, bool) else str(value)))
    return found
