"""A challenger against the champion, row by row on ``select``. Not here: who is promoted, which the control centre decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator.calibration import calibration
from evaluator.intervals import group_codes
from evaluator.no_credit import without_credit
from evaluator.outcome_file import KeptOutcomes, prediction_hash
from evaluator.outcomes import Outcomes
from evaluator.paired import loss_difference, macro_f1_difference, mcnemar_p, share_difference
from evaluator.regressions import find_regressions
from wlops_common.contracts import Comparison, TaskType
from wlops_ml.task_metrics import LOSS

Integers = npt.NDArray[np.int64]


def compare(
    rows: Sequence[Mapping[str, Any]],
    outcomes: Outcomes,
    champion: KeptOutcomes,
    champion_iteration: int,
    metric: str,
    task_type: TaskType,
    seed: int,
) -> Comparison | None:
    """The paired comparison over the rows that both were scored on, matched by id; None where there is none.

    ``rows`` belong to ``outcomes``, in its order. Gained and lost rows, McNemar's test and regressions are by the metric's own notion of
    right; for macro-F1 and the loss, which have none of a row, by plain right and wrong. Same input and seed, same result.

    On rows that the champion was trained on and gets nothing for, the challenger gets nothing either: it is not better for the mere lack
    of such rows. On those that it was trained on alone, the champion keeps what it has: else a challenger could hide where it is worse.
    """
    place = {row_id: at for at, row_id in enumerate(champion.ids)}
    found = np.array([row_id in place and champion.found[place[row_id]] for row_id in outcomes.ids], dtype=bool)
    outcomes = without_credit(outcomes, outcomes.found | found, task_type)
    mine, theirs = outcomes.counted(metric), champion.counted(metric)
    both = [(own, place[row_id]) for own, row_id in enumerate(outcomes.ids) if mine[own] and row_id in place]
    own, other = np.array([pair for pair in both if theirs[pair[1]]], dtype=np.int64).reshape(-1, 2).T
    if not len(own):
        return None
    strict = metric == "exact_match_strict"
    after = (outcomes.strictly_right if strict else outcomes.right)[own]
    before = (champion.strictly_right if strict else champion.right)[other]
    groups = [outcomes.groups[at] for at in own]
    predictions = _predictions(outcomes, champion, own, other)
    if metric == "macro_f1":
        references = [str(outcomes.references[at]) for at in own]
        value, low, high = macro_f1_difference(references, *predictions, groups, seed)
    elif metric == LOSS:
        value, low, high = loss_difference(champion.log_losses[other], outcomes.log_losses[own], groups)
    else:
        value, low, high = share_difference(before, after, groups)
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    return Comparison(
        champion_iteration=champion_iteration,
        samples=len(own),
        difference=value,
        low=low,
        high=high,
        p_value=mcnemar_p(gained, lost),
        gained=gained,
        lost=lost,
        regressions=find_regressions(
            [rows[at] for at in own], before, after, predictions, group_codes(groups), task_type
        ),
        # The loss itself asks for confidences that mean something; and where no answer is right as a whole, as in free text, a model
        # that grows more confident seems to mean less by it.
        calibration_change=None if metric == LOSS else _calibration_change(outcomes, champion, own, other),
    )


def _predictions(
    outcomes: Outcomes, champion: KeptOutcomes, own: Integers, other: Integers
) -> tuple[list[str], list[str]]:
    """What champion and challenger predicted; the champion's hashes as the texts they stand for, where those are known."""
    known = {str(text) for text in (*outcomes.references, *outcomes.predictions) if text is not None}
    text_of = {prediction_hash(text): text for text in known}
    return (
        [text_of.get(champion.predicted[at], champion.predicted[at]) for at in other],
        [outcomes.predictions[at] for at in own],
    )


def _calibration_change(outcomes: Outcomes, champion: KeptOutcomes, own: Integers, other: Integers) -> float | None:
    """The expected calibration error of the challenger minus the champion's, over the rows that neither was trained on."""
    unseen = ~(outcomes.found[own] | champion.found[other])
    after = calibration(outcomes.confidences[own[unseen]], outcomes.right[own[unseen]])
    before = calibration(champion.confidences[other[unseen]], champion.right[other[unseen]])
    return None if after is None or before is None else after.expected_error - before.expected_error
