"""From judged predictions to scores with intervals: the headline metric and what stands beside it.

Unscored rows are neither right nor wrong and not among the samples. Not here: slices and suggestions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator.calibration import Calibration, calibration
from evaluator.confusion import Confusion
from evaluator.intervals import mean_interval, share_interval
from evaluator.outcomes import Outcomes
from wlops_common.contracts import Score, TaskType
from wlops_common.errors import DatasetTooSmall, JobFault, ModelTaskMismatch
from wlops_ml.answers import parse_number
from wlops_ml.models.base import WORST_LOSS
from wlops_ml.rows import output_column
from wlops_ml.task_metrics import LOSS, too_few_answers

#: Below this the interval is so wide that a reader should be told.
FEW_SAMPLES = 100
#: Where no larger share of answers that are no numbers matches, exact match does not tell one model of free text from another.
FEW_MATCHES = 0.02


@dataclass(frozen=True)
class Evaluation:
    """Aggregates over one split role. ``confusion`` is None for generation, ``calibration`` where no confidence exists.

    ``unscored_reasons`` tells why rows could not be scored, ``unanswered`` how many predictions hold no answer: those are wrong.
    """

    score: Score
    secondary: dict[str, float]
    confusion: Confusion | None
    calibration: Calibration | None
    unscored_reasons: dict[str, int]
    unanswered: int
    notes: list[str]


def evaluate(outcomes: Outcomes, metric: str, task_type: TaskType, role: str, seed: int) -> Evaluation:
    """Score ``outcomes`` by ``metric``; all other metrics of the task type go to ``secondary``.

    ``role`` is for messages only. Raises ``DatasetTooSmall`` when no row can be scored, ``ModelTaskMismatch`` when that is for want of the
    model's probabilities. Same input and seed, same result.
    """
    counted = np.flatnonzero(outcomes.counted(metric))
    if counted.size == 0:
        raise _nothing_counts(outcomes, metric, task_type, role)
    scored = np.flatnonzero(outcomes.scored)
    confusion = _confusion(outcomes, scored) if task_type == "classification" else None
    value, (low, high) = _headline(outcomes, metric, counted, confusion, seed)
    # Of a row that was trained on nobody knows whether its confidence is justified; to call it wrong would flatter a diffident model.
    unseen = scored[~outcomes.found[scored]]
    calibrated = calibration(outcomes.confidences[unseen], outcomes.right[unseen])
    score = Score(value=value, low=low, high=high, samples=len(counted), unscored=len(outcomes.ids) - len(counted))
    secondary = _secondary(outcomes, metric, scored, confusion, calibrated)
    unscored = _unscored_reasons(outcomes, metric, task_type)
    unanswered = int((outcomes.scored & ~outcomes.answered).sum())
    notes = _notes(score, unscored, unanswered if metric != LOSS else 0, role)
    if task_type == "generation" and metric != LOSS:
        notes += _free_text_note(outcomes, metric, role)
    return Evaluation(score, secondary, confusion, calibrated, unscored, unanswered, notes)


def _nothing_counts(outcomes: Outcomes, metric: str, task_type: TaskType, role: str) -> JobFault:
    rows = len(outcomes.ids)
    details = {"role": role, "rows": rows}
    if metric != LOSS:
        return too_few_answers(role, 0, rows)
    if task_type == "classification" and outcomes.scored.any():
        return ModelTaskMismatch(
            f"The model gives no probabilities for the {rows} {role} rows, and the metric `{LOSS}` is made of these. Take a model that has"
            " them, or the metric `accuracy` or `macro_f1`.",
            details=details,
        )
    missing = output_column(task_type)
    return DatasetTooSmall(
        f"None of the {rows} {role} rows has a {missing} whose likelihood could be told. Give each row a {missing}.",
        details=details,
    )


def _headline(
    outcomes: Outcomes, metric: str, counted: npt.NDArray[np.intp], confusion: Confusion | None, seed: int
) -> tuple[float, tuple[float, float]]:
    groups = [outcomes.groups[position] for position in counted]
    if metric == "macro_f1" and confusion is not None:
        return confusion.macro_f1(), confusion.macro_f1_interval(groups, seed)
    if metric == LOSS:
        losses = outcomes.log_losses[counted]
        return float(losses.mean()), mean_interval(losses, groups, 0.0, WORST_LOSS)
    hits = (outcomes.strictly_right if metric == "exact_match_strict" else outcomes.right)[counted]
    return float(hits.mean()), share_interval(hits, groups)


def _secondary(
    outcomes: Outcomes,
    metric: str,
    scored: npt.NDArray[np.intp],
    confusion: Confusion | None,
    calibrated: Calibration | None,
) -> dict[str, float]:
    """Every other figure that exists: metrics in 0…1, ``loss`` in nats, ``ece`` in 0…1, ``brier`` in 0…2."""
    figures: dict[str, float] = {}
    if scored.size == 0:
        return figures
    if confusion is not None:
        figures["accuracy"] = float(outcomes.right[scored].mean())
        figures["macro_f1"] = confusion.macro_f1()
    else:
        figures["exact_match"] = float(outcomes.right[scored].mean())
        figures["exact_match_strict"] = float(outcomes.strictly_right[scored].mean())
    for name, values in ((LOSS, outcomes.log_losses), ("brier", outcomes.briers)):
        if not np.isnan(values).all():
            figures[name] = float(np.nanmean(values))
    if calibrated is not None:
        figures["ece"] = calibrated.expected_error
    figures.pop(metric, None)
    return figures


def _unscored_reasons(outcomes: Outcomes, metric: str, task_type: TaskType) -> dict[str, int]:
    if metric != LOSS:
        return outcomes.unscored_reasons
    without = int((~outcomes.counted(LOSS)).sum())
    return {f"no {output_column(task_type)}": without} if without else {}


def _confusion(outcomes: Outcomes, scored: npt.NDArray[np.intp]) -> Confusion:
    references = [str(outcomes.references[position]) for position in scored]
    return Confusion.of(references, [outcomes.predictions[position] for position in scored])


def _notes(score: Score, unscored: dict[str, int], unanswered: int, role: str) -> list[str]:
    notes = []
    if score.samples < FEW_SAMPLES:
        notes.append(f"Only {score.samples} {role} rows were scored: the interval is wide, differences mean little.")
    if score.unscored:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in unscored.items())
        notes.append(f"{score.unscored} {role} rows have no answer to compare with and were left out ({reasons}).")
    if unanswered:
        notes.append(f"{unanswered} predictions for {role} rows hold no answer and count as wrong.")
    return notes


def _free_text_note(outcomes: Outcomes, metric: str, role: str) -> list[str]:
    """What to do where answers are sentences, which no model writes word by word as they stand."""
    told = np.flatnonzero(outcomes.counted(LOSS))
    hits = int(outcomes.right[told].sum())
    numbers = sum(parse_number(outcomes.references[position] or "") is not None for position in told)
    if hits > FEW_MATCHES * len(told) or 2 * numbers >= len(told):
        return []
    note = (
        f"{hits} of {len(told)} answers to {role} rows match the wanted ones, and most of these are no numbers, as in free text:"
        f" {metric} says little there, and the loop learns little from it. Create the task with the metric `{LOSS}`."
    )
    return [note]


def aggregates(evaluation: Evaluation) -> dict[str, Any]:
    """What the report shows of a role without naming a row: class table and calibration bins."""
    return {
        "samples": evaluation.score.samples,
        "unscored": evaluation.score.unscored,
        "unscoredReasons": evaluation.unscored_reasons,
        "unanswered": evaluation.unanswered,
        "perClass": None if evaluation.confusion is None else evaluation.confusion.per_class(),
        "calibration": None if evaluation.calibration is None else evaluation.calibration.bins,
    }
