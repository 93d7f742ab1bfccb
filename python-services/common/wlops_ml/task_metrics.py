"""The metrics one can ask for, per task type: names, directions, the usual one, and which rows they are not for.

Not here: what they measure (``evaluator``).
"""

from __future__ import annotations

from wlops_common.contracts import TaskType
from wlops_common.errors import DatasetTooSmall, MetricUnknown

#: Log loss of the wanted label, or mean of the wanted completion's tokens, in nats; lower is better.
LOSS = "loss"
#: The metrics of each task type, its usual one first. Of all but ``LOSS`` higher is better, in 0…1.
METRICS: dict[TaskType, tuple[str, ...]] = {
    "classification": ("accuracy", "macro_f1", LOSS),
    "generation": ("exact_match", "exact_match_strict", LOSS),
}


def higher_is_better(metric: str) -> bool:
    """The direction of a metric."""
    return metric != LOSS


def resolve_metric(name: str | None, task_type: TaskType) -> str:
    """The metric's name, or the task type's usual one when none is asked for.

    Raises ``MetricUnknown`` naming the known ones.
    """
    known = METRICS[task_type]
    if name is None:
        return known[0]
    if name not in known:
        message = f"metric {name!r} does not exist for {task_type}; choose one of: {', '.join(known)}."
        raise MetricUnknown(message, details={"field": "metric", "metric": name, "known": list(known)})
    return name


def too_few_answers(role: str, answered: int, rows: int) -> DatasetTooSmall:
    """The fault where too few of a role's rows have what every metric but the loss compares with; classification rows all have a label."""
    few = "None" if answered == 0 else f"Only {answered}"
    return DatasetTooSmall(
        f"{few} of the {rows} {role} rows {'have' if answered > 1 else 'has'} an answer to compare with. End each completion in its final"
        f" answer (`#### 42`) or make it a short answer itself; free text is for the metric `{LOSS}`.",
        details={"field": "metric", "role": role, "rows": rows, "answered": answered},
    )
