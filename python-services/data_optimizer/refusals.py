"""What a task's rows must have before anything is trained on them; checked once they are split and cleaned."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from wlops_common.contracts import TaskType
from wlops_common.errors import DatasetTooSmall
from wlops_ml.answers import final_answer
from wlops_ml.task_metrics import LOSS, too_few_answers
from wlops_ml.text_columns import slices

MINIMUM_TRAINING_ROWS = 20
#: Reasons that a refusal names, the commonest first.
_REASONS_TOLD = 3
#: The share of a role's rows that must have an answer to compare with.
_LEAST_ANSWERED = 0.5
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
            advice = _rare_labels(rows, task_type) or "Upload more rows, or more different ones."
            raise DatasetTooSmall(f"No row remains for the role {role!r}.{before} {advice}", details=details)
    labels = rows.filter(pl.col("role") == "train")["wanted"].n_unique()
    if task_type == "classification" and labels < 2:
        raise DatasetTooSmall(
            f"The training rows have {labels} label; at least two are needed to learn a difference.",
            details={"labels": labels},
        )


def _rare_labels(rows: pl.DataFrame, task_type: TaskType) -> str:
    """What to do where most labels have one row, which training gets, so that nothing is left for other roles; else empty."""
    labels = rows["wanted"].n_unique()
    if task_type != "classification" or labels * 2 <= rows.height:
        return ""
    return (
        f"The {rows.height} rows have {labels} different labels, and each label needs rows in training first. Upload several rows of"
        " each label, or name another column as the label (`columns`); is the output a text, set `taskType` to `generation`."
    )


def refuse_unscorable(
    held_out: pl.DataFrame, task_type: TaskType, metric: str, check: Callable[[], None] = lambda: None
) -> None:
    """Raise ``DatasetTooSmall`` where the metric could count less than half of the rows of a held-out role.

    Of free text every tenth row names a lone number, as an answer would: a score of these few says nothing of the others.
    ``check`` may raise to stop; it is asked between parts of the rows.
    """
    if task_type == "classification" or metric == LOSS:
        return
    for role in _HELD_OUT_ROLES:
        completions = held_out.filter(pl.col("role") == role)["wanted"]
        answered = 0
        for part in slices(completions):
            check()
            answered += sum(final_answer(text) is not None for text in part)
            if answered >= _LEAST_ANSWERED * len(completions):
                break
        else:
            raise too_few_answers(role, answered, len(completions))
