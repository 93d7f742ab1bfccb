"""What counts as right, per task type, and the metrics one can ask for.

Each scorer judges one prediction at a time; aggregates and their intervals are in ``evaluator.evaluate``.
"""

from __future__ import annotations

from evaluator.scorers.base import Judgement, Scorer
from evaluator.scorers.classification import LabelScorer
from evaluator.scorers.generation import AnswerScorer
from wlops_common.contracts import TaskType
from wlops_common.errors import MetricUnknown

#: The metrics of each task type, its usual one first. Of all but ``LOSS`` higher is better, in 0…1.
METRICS: dict[TaskType, tuple[str, ...]] = {
    "classification": ("accuracy", "macro_f1", "loss"),
    "generation": ("exact_match", "exact_match_strict", "loss"),
}
#: Log loss of the wanted label, or mean of the wanted completion's tokens, in nats; lower is better.
LOSS = "loss"

__all__ = ["LOSS", "METRICS", "Judgement", "Scorer", "higher_is_better", "resolve_metric", "scorer_for"]


def higher_is_better(metric: str) -> bool:
    """The direction of a metric."""
    return metric != LOSS


def scorer_for(task_type: TaskType) -> Scorer:
    """The scorer of a task type."""
    return LabelScorer() if task_type == "classification" else AnswerScorer()


def resolve_metric(name: str | None, task_type: TaskType) -> str:
    """The metric's name, or the task type's usual one when none is asked for.

    Raises ``MetricUnknown`` naming the known ones.
    """
    known = METRICS[task_type]
    if name is None:
        return known[0]
    if name not in known:
        message = f"metric {name!r} does not exist for {task_type}; choose one of: {', '.join(known)}."
        raise MetricUnknown(message, details={"metric": name, "known": list(known)})
    return name
