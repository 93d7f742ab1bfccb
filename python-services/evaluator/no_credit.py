"""Outcomes in which rows that were found among the training rows count as wrong, and as wrong as each measure can tell.

Memory and skill cannot be told apart on such a row, so nothing is credited for it, and leaving it out would credit something: an optimizer
that puts only the hard rows into training would make the rest look easier. The model is at least as good as what is scored. Not
here: finding those rows (``contamination``).
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from evaluator.outcomes import Outcomes
from wlops_common.contracts import TaskType
from wlops_ml.models.base import WORST_LOSS

Booleans = npt.NDArray[np.bool_]

#: All probability on a wrong class.
_WORST_BRIER = 2.0
_NO_ANSWER = ""


def without_credit(outcomes: Outcomes, found: Booleans, task_type: TaskType) -> Outcomes:
    """``outcomes`` in which the rows of ``found``, shape ``(rows,)``, are wrong.

    No score is better than with whatever answers to those rows: log loss and Brier score take their worst values, and of classifiers the
    predictions become the wrong labels, among those that occur, that cost macro-F1 most. Rows that cannot be scored stay unscored.
    """
    uncredited = found & outcomes.scored
    # A completion without a final answer has a loss all the same.
    unlikely = found & ~np.isnan(outcomes.log_losses)
    if not (uncredited | unlikely).any():
        return outcomes
    predictions = outcomes.predictions
    if task_type == "classification":
        predictions = _costliest(outcomes, uncredited)
    return replace(
        outcomes,
        predictions=predictions,
        right=outcomes.right & ~uncredited,
        strictly_right=outcomes.strictly_right & ~uncredited,
        log_losses=np.where(unlikely, WORST_LOSS, outcomes.log_losses),
        briers=np.where(uncredited & ~np.isnan(outcomes.briers), _WORST_BRIER, outcomes.briers),
        found=found,
    )


def _costliest(outcomes: Outcomes, uncredited: Booleans) -> list[str]:
    """The predictions, those of ``uncredited`` rows replaced by the wrong labels with which macro-F1 is least."""
    rows = np.flatnonzero(uncredited).tolist()
    kept = np.flatnonzero(outcomes.scored & ~uncredited).tolist()
    wanted = Counter(str(outcomes.references[row]) for row in [*kept, *rows])
    given = Counter(outcomes.predictions[row] for row in kept)
    hits = Counter(outcomes.predictions[row] for row in kept if outcomes.right[row])
    own = Counter(str(outcomes.references[row]) for row in rows)
    named = {*wanted, *given, *(outcomes.predictions[row] for row in rows)}
    # As often as a label may be predicted wrongly: by the rows that do not want it.
    most = {label: len(rows) - own[label] for label in named}
    labels = _falling(hits, {label: wanted[label] + given[label] for label in named}, most, len(rows))
    predictions = list(outcomes.predictions)
    references = [str(outcomes.references[row]) for row in rows]
    for row, label in zip(rows, _unlike(references, labels), strict=True):
        predictions[row] = label
    return predictions


def _falling(hits: Counter[str], sizes: dict[str, int], most: dict[str, int], count: int) -> Counter[str]:
    """How often to predict each label wrongly, ``count`` times in all, so that macro-F1 is least.

    A label's F1 is ``2 hits / size`` with ``size`` its wanted and predicted rows. A label without size is new: the first prediction of it
    takes nothing from the sum of F1, but is one more to take the mean over. How many new ones to predict is tried.
    """
    there = {label: size for label, size in sizes.items() if size}
    new = sorted(sizes.keys() - there.keys())
    falls = list(itertools.islice(_falls(hits, there, most), count))
    left = [sum(2 * hits[label] / size for label, size in there.items())]
    left += (left[0] - fallen for fallen in itertools.accumulate(loss for loss, _ in falls))
    # All that is left when all other labels are full goes to a new one, so without any there must be room enough.
    fewest = 1 if new and len(falls) < count else 0
    tried = range(fewest, min(len(new), count) + 1)
    macro_f1 = [left[min(count - used, len(falls))] / (len(there) + used) for used in tried if len(there) + used]
    used = tried[int(np.argmin(macro_f1))] if macro_f1 else 0
    times = Counter(label for _, label in falls[: count - used])
    times.update(new[:used])
    if used:
        times[new[0]] += count - times.total()
    return times


def _falls(hits: Counter[str], sizes: dict[str, int], most: dict[str, int]) -> Iterator[tuple[float, str]]:
    """By how much the sum of F1 falls with each further wrong prediction, and of which label, the largest fall first.

    What one more takes from a label falls with each, so taking the largest each time is best.
    """

    def loss(label: str, times: int) -> float:
        size = sizes[label] + times
        return 2 * hits[label] / (size * (size + 1))

    heap = [(-loss(label, 0), label) for label in sizes if most[label]]
    heapq.heapify(heap)
    times = Counter[str]()
    while heap:
        fall, label = heapq.heappop(heap)
        yield -fall, label
        times[label] += 1
        if times[label] < most[label]:
            heapq.heappush(heap, (-loss(label, times[label]), label))


def _unlike(references: Sequence[str], labels: Counter[str]) -> list[str]:
    """``labels`` dealt out to the rows so that none gets its own reference; where a data set has one label only, no answer at all.

    Rows and labels that stand in each other's way most are paired first, which leaves a pairing for the others.
    """
    left, free = Counter(references), labels.copy()
    dealt: dict[str, list[str]] = {label: [] for label in left}
    while free.total():
        crowd = sorted(left.keys() | free.keys(), key=lambda one: (-left[one] - free[one], one))
        first = crowd[0]
        second = next(one for one in crowd[1:] if (free if left[first] else left)[one])
        reference, label = (first, second) if left[first] else (second, first)
        dealt[reference].append(label)
        left[reference] -= 1
        free[label] -= 1
    return [dealt[reference].pop() if dealt[reference] else _NO_ANSWER for reference in references]
