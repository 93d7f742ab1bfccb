"""From an entry of the catalogue to a model ready to be trained. Imports only what the chosen model needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wlops_common.contracts import TaskType
from wlops_common.job_context import JobContext
from wlops_ml.models.base import Row
from wlops_ml.models.learner import Learner


def make_learner(
    model: Mapping[str, Any],
    task_type: TaskType,
    train: Sequence[Row],
    mine: Sequence[Row],
    hyperparameters: dict[str, Any],
    context: JobContext,
) -> Learner:
    """The learner of a resolved model over the rows; ``hyperparameters`` are complete (see ``catalog``).

    Raises:
        ModelUnavailable: The files of a pretrained model cannot be fetched or loaded.
        DatasetTooSmall: The rows leave nothing to learn.
    """
    if model["name"] == "builtin:classifier":
        from wlops_ml.models.classifier import ClassifierLearner

        return ClassifierLearner(train, mine, hyperparameters)
    if model["name"] == "builtin:tinygpt":
        from wlops_ml.models.tinygpt import TinyGptLearner

        return TinyGptLearner(train, mine, hyperparameters)
    from wlops_ml.models.hf_learner import HfLearner

    return HfLearner(model, task_type, train, mine, hyperparameters, offline=context.hub_offline)
