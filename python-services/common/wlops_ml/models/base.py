"""What a finished model can do: predict rows. The evaluator knows a model only through these types.

Not here: training (``learner``), reading a model folder (``load``).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from wlops_common.contracts import TaskType
from wlops_common.errors import ModelTaskMismatch

#: Version of the model folder's layout, written to its ``config.json``. A reader refuses versions it does not know.
FORMAT_VERSION = 1

#: The file every model folder has: format version, architecture, labels, tokenizer.
CONFIG_NAME = "config.json"

#: Smaller probabilities count as this one in every log loss, which bounds it; float32 rounds smaller ones to zero anyhow.
PROBABILITY_FLOOR = 1e-12
#: The largest log loss of a class or a token, in nats: what was given no probability.
WORST_LOSS = -math.log(PROBABILITY_FLOOR)

Row = Mapping[str, Any]
#: Called with (rows done, rows in total).
OnProgress = Callable[[int, int], None]
#: Called between batches; raises to stop.
Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer of a model.

    Attributes:
        text: The label (classification), or the generated text.
        confidence: Classification: probability of the predicted label. Generation: mean probability of the generated tokens.
            None when nothing was generated.
        probabilities: float32 of shape ``(labels,)`` in the order of ``Predictor.labels``; None for generation.
    """

    text: str
    confidence: float | None
    probabilities: npt.NDArray[np.float32] | None = None


class Predictor(ABC):
    """A trained model, ready to answer."""

    #: What the model was trained for.
    task_type: TaskType
    #: Class labels in the order of ``Prediction.probabilities``; empty for generation.
    labels: tuple[str, ...] = ()

    @abstractmethod
    def predict(
        self, rows: Sequence[Row], *, on_progress: OnProgress | None = None, check: Check | None = None
    ) -> list[Prediction]:
        """Answer every row, in the order given. Classification reads ``text``, generation ``prompt``.

        Greedy and without randomness: the same rows give the same answers on the same kind of machine.
        """

    def completion_losses(
        self,
        rows: Sequence[Row],  # noqa: ARG002
        *,
        check: Check | None = None,  # noqa: ARG002
    ) -> npt.NDArray[np.float64]:
        """How badly the model predicts ``completion`` after ``prompt``: mean negative log-likelihood of its tokens in nats, ``(rows,)``.

        Teacher-forced, over the tokens that training counts, the end included, by the same template and in the same tokens. A token's
        loss is at most ``WORST_LOSS``; so is that of words the model has no token for. Generation only; of classifiers,
        ``Prediction.probabilities`` tell as much. Without randomness; the batch changes nothing but float noise.

        Raises:
            ModelTaskMismatch: The model is a classifier.
        """
        raise ModelTaskMismatch(f"A model for {self.task_type} writes no completions, so they have no loss.")
