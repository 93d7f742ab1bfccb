"""What counts as right, per task type.

Each scorer judges one prediction at a time; aggregates and their intervals are in ``evaluator.evaluate``.
"""

from __future__ import annotations

from evaluator.scorers.base import Judgement, Scorer
from evaluator.scorers.classification import LabelScorer
from evaluator.scorers.generation import AnswerScorer
from wlops_common.contracts import TaskType

__all__ = ["Judgement", "Scorer", "scorer_for"]


def scorer_for(task_type: TaskType) -> Scorer:
    """The scorer of a task type."""
    return LabelScorer() if task_type == "classification" else AnswerScorer()
