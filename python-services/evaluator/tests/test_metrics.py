"""Every figure against scikit-learn or a second way to compute it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss, precision_recall_fscore_support

from evaluator.calibration import calibration
from evaluator.confusion import Confusion
from evaluator.evaluate import evaluate
from evaluator.outcomes import Outcomes, predict
from evaluator.scorers import scorer_for
from evaluator.tests.workplace import KnownPredictor, intents
from wlops_common.contracts import TaskType
from wlops_common.errors import MetricUnknown
from wlops_ml.models.base import WORST_LOSS, Prediction, Row
from wlops_ml.rows import frame
from wlops_ml.task_metrics import resolve_metric

LABELS = [f"topic{number}" for number in range(8)]


def labels_and_guesses(seed: int, rows: int = 400, classes: int = 9) -> tuple[list[str], list[str]]:
    """Labels with uneven classes, and guesses that are right three times in four; some classes are never wanted."""
    draw = random.Random(seed)
    wanted = [f"c{min(draw.randrange(classes), draw.randrange(classes))}" for _ in range(rows)]
    return wanted, [label if draw.random() < 0.75 else f"c{draw.randrange(classes + 2)}" for label in wanted]


@pytest.mark.parametrize("seed", range(5))
def test_class_figures_are_those_of_scikit_learn(seed: int) -> None:
    wanted, guessed = labels_and_guesses(seed)
    confusion = Confusion.of(wanted, guessed)
    assert confusion.macro_f1() == pytest.approx(f1_score(wanted, guessed, average="macro", zero_division=0))
    precision, recall, f1, support = precision_recall_fscore_support(wanted, guessed, zero_division=0)
    table = confusion.per_class()
    assert [row["precision"] for row in table] == pytest.approx(list(precision))
    assert [row["recall"] for row in table] == pytest.approx(list(recall))
    assert [row["f1"] for row in table] == pytest.approx(list(f1))
    assert [row["support"] for row in table] == list(support)
    matrix = np.zeros((len(confusion.labels),) * 2, dtype=int)
    for a, b, count in confusion.to_json()["cells"]:
        matrix[a, b] = count
    assert (matrix == confusion_matrix(wanted, guessed)).all()


def test_macro_f1_of_each_resample_is_that_of_scikit_learn() -> None:
    wanted, guessed = labels_and_guesses(3, rows=60)
    confusion = Confusion.of(wanted, guessed)
    draw = np.random.default_rng(0)
    for _ in range(20):
        rows = draw.integers(0, 60, 60)
        counts = np.bincount(confusion.cell_of_row[rows], minlength=len(confusion.counts)).astype(float)
        expected = f1_score([wanted[at] for at in rows], [guessed[at] for at in rows], average="macro", zero_division=0)
        assert confusion.macro_f1_of(counts[None, :])[0] == pytest.approx(expected)


class RandomPredictor(KnownPredictor):
    """Probabilities drawn at random; the label is the most probable one."""

    def __init__(self) -> None:
        super().__init__("classification", str, LABELS)
        self.given: list[npt.NDArray[np.float32]] = []

    def predict(self, rows: Sequence[Row], **_: object) -> list[Prediction]:
        """See ``Predictor.predict``."""
        draw = np.random.default_rng(5)
        self.given = [draw.dirichlet(np.ones(len(LABELS))).astype(np.float32) for _ in rows]
        return [Prediction(LABELS[int(p.argmax())], float(p.max()), p) for p in self.given]


def random_outcomes() -> tuple[RandomPredictor, Outcomes, list[str]]:
    """Outcomes of 300 rows by ``RandomPredictor``."""
    rows = [{**row, "id": f"{number:04d}"} for number, row in enumerate(intents(300, 1))]
    predictor = RandomPredictor()
    outcomes = predict(
        predictor,
        frame(rows, "classification"),
        "classification",
        scorer_for("classification"),
        on_progress=lambda _, __: None,
        check=lambda: None,
    )
    return predictor, outcomes, [row["label"] for row in rows]


def test_secondary_figures_are_those_of_scikit_learn() -> None:
    predictor, outcomes, wanted = random_outcomes()
    evaluation = evaluate(outcomes, "accuracy", "classification", "select", 1)
    given = np.array(predictor.given, dtype=np.float64)
    truth = np.array([[label == wanted_label for label in LABELS] for wanted_label in wanted], dtype=float)
    assert evaluation.score.value == pytest.approx(accuracy_score(wanted, outcomes.predictions))
    normalised = given / given.sum(axis=1, keepdims=True)
    assert evaluation.secondary["loss"] == pytest.approx(log_loss(wanted, normalised, labels=LABELS), abs=1e-6)
    assert evaluation.secondary["brier"] == pytest.approx(float(np.square(given - truth).sum(axis=1).mean()))
    assert set(evaluation.secondary) == {"macro_f1", "loss", "brier", "ece"}


def test_the_expected_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    draw = np.random.default_rng(2)
    confidences, right = draw.random(2000), draw.random(2000) < 0.6
    found = calibration(confidences, right)
    assert found is not None
    expected = 0.0
    for index in range(15):
        inside = (confidences > index / 15) & (confidences <= (index + 1) / 15)
        expected += inside.mean() * abs(right[inside].mean() - confidences[inside].mean())
    assert found.expected_error == pytest.approx(expected)
    assert sum(one["rows"] for one in found.bins) == 2000


def test_a_model_that_knows_how_sure_to_be_is_calibrated() -> None:
    draw = np.random.default_rng(3)
    confidences = draw.random(20_000)
    found = calibration(confidences, draw.random(20_000) < confidences)
    assert found is not None
    assert found.expected_error < 0.02
    assert calibration(np.full(3, np.nan), np.ones(3, dtype=bool)) is None


def test_a_class_the_model_does_not_know_is_wrong_and_has_the_worst_loss() -> None:
    rows = [{**row, "id": f"{number}", "label": "unheard of"} for number, row in enumerate(intents(4, 1))]
    outcomes = predict(
        KnownPredictor("classification", lambda text: text.split()[1], LABELS, certainty=1.0),
        frame(rows, "classification"),
        "classification",
        scorer_for("classification"),
        on_progress=lambda _, __: None,
        check=lambda: None,
    )
    evaluation = evaluate(outcomes, "accuracy", "classification", "select", 1)
    assert evaluation.score.value == 0.0
    assert evaluation.secondary["loss"] == WORST_LOSS
    assert evaluation.secondary["brier"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("asked", "task_type", "got"),
    [
        (None, "classification", "accuracy"),
        (None, "generation", "exact_match"),
        ("macro_f1", "classification", "macro_f1"),
        ("exact_match_strict", "generation", "exact_match_strict"),
        ("loss", "classification", "loss"),
        ("loss", "generation", "loss"),
    ],
)
def test_each_task_type_has_its_metrics(asked: str | None, task_type: TaskType, got: str) -> None:
    assert resolve_metric(asked, task_type) == got


def test_a_metric_of_the_other_task_type_is_unknown() -> None:
    with pytest.raises(MetricUnknown, match="exact_match, exact_match_strict, loss"):
        resolve_metric("accuracy", "generation")
