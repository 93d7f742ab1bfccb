"""What a quick model is asked about a row, so that it can stand in for the real one when remedies are tried.

Classification: the label. Worded maths problems: the equation skeleton, which numbers of the problem are combined how; a model that
knows it has understood the problem. Other generated text has no such question, and nothing can be tried quickly.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from wlops_common.contracts import TaskType
from wlops_ml.answers import parse_number
from wlops_ml.maths import equation_target, worked_steps
from wlops_ml.text import canonical_number, number_spans

#: Below this share of rows with an answer to the question it says little about the task.
_MIN_ANSWERED_SHARE = 0.5
#: Fewer rows than this per different answer, and a model of the answers learns nothing.
_MIN_ROWS_PER_ANSWER = 5

_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"})


@dataclass(frozen=True)
class Question:
    """What is asked: ``name`` tells it to people, ``answers`` gives each row's answer, None where it has none."""

    name: str
    task_type: TaskType

    def answers(self, rows: pl.DataFrame) -> list[str | None]:
        """The answer of each row, in row order."""
        if self.task_type == "classification":
            return list(rows["wanted"].to_list())
        return [skeleton(given, wanted) for given, wanted in rows.select("given", "wanted").iter_rows()]

    def texts(self, rows: pl.DataFrame) -> list[str]:
        """What the model reads of each row: of a maths problem the wording, its numbers all alike."""
        given: list[str] = rows["given"].to_list()
        return given if self.task_type == "classification" else [_without_numbers(text) for text in given]


def question_for(task_type: TaskType, train: pl.DataFrame, mine: pl.DataFrame) -> Question | None:
    """The question to try remedies with, or None where these rows have none that a quick model could learn."""
    if task_type == "classification":
        return Question("the label", task_type)
    question = Question("the equation, by the places of its numbers", task_type)
    for rows in (train, mine):
        known = [answer for answer in question.answers(rows) if answer is not None]
        if not known or len(known) < _MIN_ANSWERED_SHARE * rows.height:
            return None
        if rows is train and len(known) < _MIN_ROWS_PER_ANSWER * len(Counter(known)):
            return None
    return question


def skeleton(prompt: str, completion: str) -> str | None:
    """The steps of a worked answer with the prompt's numbers as ``#place`` and results as ``=step``: ``#0*#2;=0+#1``.

    Numbers of neither kind stay as they are. None where the steps do not verify (see ``maths.equation_target``).
    """
    if equation_target(completion) is None:
        return None
    names: dict[str, str] = {}
    for place, (start, end) in enumerate(number_spans(prompt)):
        names.setdefault(canonical_number(prompt[start:end]), f"#{place}")
    written = []
    for number, step in enumerate(worked_steps(completion)):
        parts, last = [], 0
        for start, end in number_spans(step.expression):
            value = canonical_number(step.expression[start:end])
            parts += [step.expression[last:start], names.get(value, value)]
            last = end
        expression = "".join([*parts, step.expression[last:]]).translate(_SIGNS)
        written.append(re.sub(r"[\s$€£]", "", expression))
        result = parse_number(step.result)
        if result is not None:
            names.setdefault(_spelt(result), f"={number}")
    return ";".join(written)


def _spelt(value: Fraction) -> str:
    """A result as it is written in the next step: a decimal where it ends soon."""
    decimal = canonical_number(f"{float(abs(value)):.6f}")
    return decimal if Fraction(decimal) == abs(value) else str(abs(value))


def _without_numbers(text: str) -> str:
    pieces, last = [], 0
    for start, end in number_spans(text):
        pieces += [text[last:start], " 0 "]
        last = end
    return "".join([*pieces, text[last:]])
