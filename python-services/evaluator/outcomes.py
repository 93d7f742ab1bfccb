"""Predictions of a model on one split role, judged row by row and kept as columns.

Rows are predicted in batches, so memory holds one batch of probabilities, never all. Not here: aggregates (``evaluate``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluator.scorers import Scorer
from wlops_common.contracts import TaskType
from wlops_common.errors import InternalFault
from wlops_ml.models.base import PROBABILITY_FLOOR, WORST_LOSS, Prediction, Predictor
from wlops_ml.rows import input_column
from wlops_ml.task_metrics import LOSS

BATCH_ROWS = 4096

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Outcomes:
    """One entry per row, in the order of the table; arrays have shape ``(rows,)``.

    Attributes:
        ids: Row ids.
        groups: Near-duplicate group of each row; a row without one is its own group.
        references: The wanted answer, or None where there is none to compare with.
        predictions: The model's text.
        confidences: 0…1, NaN where the model gave none.
        scored: Whether the row has a reference.
        right: Whether the answer is right; False where unscored.
        strictly_right: Also in the asked form.
        log_losses: In nats, at most ``WORST_LOSS``: of the wanted class (an unknown one has the most), or mean over the tokens of the
            wanted completion. NaN without probabilities, or without a label or completion.
        briers: Sum over classes of (probability - truth)²; NaN without probabilities.
        answered: Whether the prediction holds an answer at all; one that does not is wrong.
        found: Whether the row stands in the training rows, so that nothing is credited for it (``no_credit``).
        unscored_reasons: Why rows were not scored, with their counts.
        seconds: Time spent in the model.
    """

    ids: list[str]
    groups: list[str]
    references: list[str | None]
    predictions: list[str]
    confidences: Floats
    scored: Booleans
    right: Booleans
    strictly_right: Booleans
    log_losses: Floats
    briers: Floats
    answered: Booleans
    found: Booleans
    unscored_reasons: dict[str, int]
    seconds: float

    def counted(self, metric: str) -> Booleans:
        """Rows that count for a metric: for the loss those that have one, else those with an answer to compare with."""
        return ~np.isnan(self.log_losses) if metric == LOSS else self.scored


def predict(
    predictor: Predictor,
    table: pl.DataFrame,
    task_type: TaskType,
    scorer: Scorer,
    *,
    on_progress: Callable[[int, int], None],
    check: Callable[[], None],
) -> Outcomes:
    """Predict and judge every row of ``table``.

    To answer, the model is given ids and inputs only, so it cannot read the references; completions come after, to be told how likely
    they are. ``on_progress`` gets (rows done, rows in total); ``check`` may raise to stop between batches. Repeatable as far as the
    model is.
    """
    asked = ["id", input_column(task_type)]
    classes = {label: index for index, label in enumerate(predictor.labels)}
    done: list[_Batch] = []
    seconds = 0.0
    for start in range(0, table.height, BATCH_ROWS):
        batch = table.slice(start, BATCH_ROWS)
        began = time.perf_counter()
        predictions = predictor.predict(
            batch.select(asked).to_dicts(),
            on_progress=lambda rows, _, start=start: on_progress(start + rows, table.height),  # type: ignore[misc]
            check=check,
        )
        seconds += time.perf_counter() - began
        if len(predictions) != batch.height:
            raise InternalFault(f"The model answered {len(predictions)} of {batch.height} rows.")
        judged = _judged(batch.to_dicts(), predictions, scorer, classes)
        if task_type == "generation":
            judged.numbers[:, 5] = _completion_losses(predictor, batch, check)
        done.append(judged)
        on_progress(start + batch.height, table.height)
    return _joined(table, done, seconds)


@dataclass(frozen=True)
class _Batch:
    references: list[str | None]
    predictions: list[str]
    unscored: Counter[str]
    numbers: npt.NDArray[np.float64]  # (rows, 7): confidence, scored, right, strictly right, answered, log loss, Brier


def _judged(
    rows: Sequence[Mapping[str, Any]], predictions: Sequence[Prediction], scorer: Scorer, classes: Mapping[str, int]
) -> _Batch:
    references = [scorer.reference(row) for row in rows]
    texts = [prediction.text for prediction in predictions]
    judged = [scorer.judge(reference, text) for reference, text in zip(references, texts, strict=True)]
    numbers = np.full((len(rows), 7), np.nan)
    numbers[:, 0] = [np.nan if one.confidence is None else one.confidence for one in predictions]
    numbers[:, 1:5] = [(one.scored, one.right, one.strictly_right, one.answered) for one in judged]
    told = [(at, one.probabilities) for at, one in enumerate(predictions) if one.probabilities is not None]
    known = [(at, given) for at, given in told if references[at] is not None]
    if known:
        wanted = np.array([classes.get(str(references[at]), -1) for at, _ in known], dtype=np.int64)
        given = np.array([given for _, given in known], dtype=np.float64)
        numbers[[at for at, _ in known], 5:] = _probability_losses(given, wanted)
    unscored = Counter(
        scorer.why_unscored(row) for row, reference in zip(rows, references, strict=True) if reference is None
    )
    return _Batch(references, texts, unscored, numbers)


def _probability_losses(given: Floats, wanted: npt.NDArray[np.int64]) -> Floats:
    """Log loss and Brier score, shape ``(rows, 2)``, from probabilities ``(rows, classes)`` and the wanted class of each row.

    A class the model does not know (-1) has probability zero: a model gains nothing by being taught fewer classes.
    """
    squares = np.einsum("rc,rc->r", given, given)
    hits = np.where(wanted < 0, 0.0, given[np.arange(len(given)), wanted])
    losses = -np.log(np.clip(hits, PROBABILITY_FLOOR, 1.0))
    return np.stack([losses, squares - 2 * hits + 1.0], axis=1)


def _completion_losses(predictor: Predictor, batch: pl.DataFrame, check: Callable[[], None]) -> Floats:
    """Loss of each row's completion, shape ``(rows,)``; NaN without one, and the worst where the model's own is no number."""
    losses = np.full(batch.height, np.nan)
    told = batch["completion"].fill_null("").str.strip_chars().str.len_chars().to_numpy() > 0
    if told.any():
        rows = batch.filter(pl.Series(told)).select("id", "prompt", "completion").to_dicts()
        given = predictor.completion_losses(rows, check=check)
        losses[told] = np.clip(np.nan_to_num(given, nan=WORST_LOSS), 0.0, WORST_LOSS)
    return losses


def _joined(table: pl.DataFrame, batches: Sequence[_Batch], seconds: float) -> Outcomes:
    numbers = np.concatenate([batch.numbers for batch in batches]) if batches else np.empty((0, 7))
    ids = table["id"].to_list()
    return Outcomes(
        ids=ids,
        groups=[group or row_id for group, row_id in zip(table["group"].to_list(), ids, strict=True)],
        references=[reference for batch in batches for reference in batch.references],
        predictions=[prediction for batch in batches for prediction in batch.predictions],
        confidences=numbers[:, 0],
        scored=numbers[:, 1] == 1,
        right=numbers[:, 2] == 1,
        strictly_right=numbers[:, 3] == 1,
        answered=numbers[:, 4] == 1,
        log_losses=numbers[:, 5],
        briers=numbers[:, 6],
        found=np.zeros(len(ids), dtype=bool),
        unscored_reasons=dict(sorted(sum((batch.unscored for batch in batches), Counter[str]()).items())),
        seconds=seconds,
    )
