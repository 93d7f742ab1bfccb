"""Rows whose label is doubted, and what to do about them.

How each label looks to a model that did not see it comes from ``leave_one_out``, what that proves from ``label_noise``.
Not covered: applying it (``feedback.fix``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from data_optimizer.steps.label_noise import doubts, fit_noise
from data_optimizer.steps.leave_one_out import WORD, leave_one_out_scores

__all__ = ["MAX_CELLS", "WORD", "LabelIssue", "LabelJudgement", "estimated_noise", "find_label_issues", "judge_labels"]

#: Above this many rows times classes the scores alone would take more than a quarter of a gigabyte; then nothing is judged.
MAX_CELLS = 60_000_000
_MIN_ROWS = 50
_MIN_ROWS_PER_CLASS = 3
#: A row may get the other label where that one is at least this likely, and else is dropped.
_SURE = 0.95


@dataclass(frozen=True)
class LabelIssue:
    """A doubted row: its number, the likeliest other label, and by how much the given one is likelier wrong than right (0 to 1)."""

    row: int
    suggested: str
    margin: float
    action: Literal["drop", "relabel"] = "drop"


@dataclass(frozen=True)
class LabelJudgement:
    """The doubted rows, in row order, and the estimated share of wrong labels (0 to 1)."""

    issues: list[LabelIssue]
    noise: float


def find_label_issues(
    texts: list[str], labels: list[str], seed: int, check: Callable[[], None] = lambda: None
) -> list[LabelIssue] | None:
    """The doubted rows, in row order; None where there are too few rows to judge, or too many rows times classes for the memory.

    ``check`` is called now and then and may raise, to end the search.
    """
    judgement = judge_labels(texts, labels, seed, check)
    return None if judgement is None else judgement.issues


def estimated_noise(texts: list[str], labels: list[str], seed: int) -> float | None:
    """The share of labels that are likely wrong, 0 to 1; None where ``find_label_issues`` gives None."""
    judgement = judge_labels(texts, labels, seed)
    return None if judgement is None else judgement.noise


def judge_labels(
    texts: list[str], labels: list[str], seed: int, check: Callable[[], None] = lambda: None
) -> LabelJudgement | None:
    """What ``find_label_issues`` and ``estimated_noise`` answer, at the cost of one. The order of the rows does not matter."""
    classes, codes = np.unique(np.array(labels, dtype=object), return_inverse=True)
    if len(classes) < 2 or len(texts) < _MIN_ROWS or len(texts) * len(classes) > MAX_CELLS:
        return None
    order = np.array(sorted(range(len(texts)), key=lambda row: (texts[row], labels[row])))
    given = codes[order]
    scores = leave_one_out_scores([texts[row] for row in order], given, len(classes), seed, check)
    check()
    model = fit_noise(scores, given)
    counts = np.bincount(codes)
    issues = [
        LabelIssue(
            row=int(order[row]),
            suggested=str(classes[other]),
            margin=round(1 - 2 * float(kept), 6),
            action="relabel" if likelihood >= _SURE else "drop",
        )
        for row, other, likelihood, kept in zip(*doubts(model, scores, given), strict=True)
        if counts[given[row]] >= _MIN_ROWS_PER_CLASS
    ]
    return LabelJudgement(sorted(issues, key=lambda issue: issue.row), model.noise)
