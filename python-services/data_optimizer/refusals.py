"""What a task's rows must have before anything is trained on them; checked once they are split and cleaned."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from wlops_common.contracts import TaskType
from wlops_common.errors import DatasetTooSmall
from wlops_ml.answers import final_answer
from wlops_ml.task_metrics import LOSS, no_answers
from wlops_ml.text_columns import slices

MINIMUM_TRAINING_ROWS = 20
#: Reasons that a refusal names, the commonest first.
_REASONS_TOLD = 3
_HELD_OUT_ROLES = ("mine", "select", "test")


def refuse_too_small(rows: pl.DataFrame, task_type: TaskType, removed: Mapping[str, int]) -> None:
    """Raise ``DatasetTooSmall`` where a role would stay empty or there is nothing to tell apart.

    ``removed``: rows taken out before, by reason; they are often why so few are left, and the message names them.
    """
    counts = dict(rows.group_by("role").len().iter_rows())
    most = sorted(removed.items(), key=lambda one: -one[1])[:_REASONS_TOLD]
    before = f" Taken out before: {', '.join(f'{reason} ({count})' for reason, count in most)}." if most else ""
    details = {"roles": counts, "removed": dict(most)}
    training = counts.get("train", 0)
    if training < MINIMUM_TRAINING_ROWS:
        remain = "1 row remains" if training == 1 else f"{training or 'no'} rows remain"
        raise DatasetTooSmall(
            f"Of the training data {remain}; at least {MINIMUM_TRAINING_ROWS} rows are needed.{before} Upload more rows, or others.",
            details={**details, "minimum": MINIMUM_TRAINING_ROWS},
        )
    for role in _HELD_OUT_ROLES:
        if not counts.get(role):
            raise DatasetTooSmall(
                f"No row remains for the role {role!r}.{before} Upload more rows, or more different ones.",
                details=details,
            )
    labels = rows.filter(pl.col("role") == "train")["wanted"].n_unique()
    if task_type == "classification" and labels < 2:
        raise DatasetTooSmall(
            f"The training rows have {labels} label; at least two are needed to learn a difference.",
            details={"labels": labels},
        )


def refuse_unscorable(
    held_out: pl.DataFrame, task_type: TaskType, metric: str, check: Callable[[], None] = lambda: None
) -> None:
    """Raise ``DatasetTooSmall`` where a held-out role has no row that the metric could count: its model would be trained for nothing.

    ``check`` may raise to stop; it is asked between parts of the rows, of which the first to have an answer ends the search.
    """
    if task_type == "classification" or metric == LOSS:
        return
    for role in _HELD_OUT_ROLES:
        completions = held_out.filter(pl.col("role") == role)["wanted"]
        if not any(_has_answer(part, check) for part in slices(completions)):
            raise no_answers(role, len(completions))


def _has_answer(completions: pl.Series, check: Callable[[], None]) -> bool:
    check()
    return any(final_answer(text) is not None for text in completions)
