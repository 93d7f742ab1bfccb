"""Rows whose label is doubted, by confident learning (Northcutt, Jiang, Chuang 2021, arXiv 1911.00068).

Out-of-sample probabilities from five folds of a linear model; the threshold of a class is the mean probability of its own rows; a row is
flagged where another class passes its threshold and its own does not. Not covered: what is done about it (``feedback.fix``).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FOLDS = 5
#: Above this many rows times classes the five fits would take longer than a step of the loop may; then nothing is flagged.
MAX_CELLS = 2_500_000
_MIN_ROWS_PER_CLASS = 3
#: Words of one character count too: in short questions `i` and `a` carry meaning.
WORD = r"(?u)\b\w+\b"


@dataclass(frozen=True)
class LabelIssue:
    """A doubted row: its number, the label the model expects, and by how much it prefers that one (0 to 1)."""

    row: int
    suggested: str
    margin: float


def find_label_issues(texts: list[str], labels: list[str], seed: int) -> list[LabelIssue] | None:
    """The doubted rows, in row order; None where the data are too many or too few to judge in time."""
    classes, codes = np.unique(np.array(labels, dtype=object), return_inverse=True)
    if len(classes) < 2 or len(texts) < 10 * FOLDS or len(texts) * len(classes) > MAX_CELLS:
        return None
    probabilities = out_of_sample_probabilities(texts, codes, len(classes), seed)
    return issues_from(probabilities, codes, [str(name) for name in classes])


def issues_from(
    probabilities: npt.NDArray[np.float64], codes: npt.NDArray[np.int64], classes: list[str]
) -> list[LabelIssue]:
    """Apply the rule to probabilities of shape ``(rows, classes)``, with ``codes`` the given class of each row."""
    counts = np.bincount(codes, minlength=len(classes))
    own = probabilities[np.arange(len(codes)), codes]
    thresholds = np.bincount(codes, weights=own, minlength=len(classes)) / np.maximum(counts, 1)
    thresholds[counts < _MIN_ROWS_PER_CLASS] = np.inf
    confident = np.where(probabilities >= thresholds, probabilities, 0.0)
    suggested = confident.argmax(axis=1)
    flagged = np.flatnonzero(
        (confident.max(axis=1) > 0) & (suggested != codes) & (counts[codes] >= _MIN_ROWS_PER_CLASS)
    )
    return [
        LabelIssue(int(row), classes[suggested[row]], round(float(probabilities[row, suggested[row]] - own[row]), 6))
        for row in flagged
    ]


def out_of_sample_probabilities(
    texts: list[str], codes: npt.NDArray[np.int64], classes: int, seed: int
) -> npt.NDArray[np.float64]:
    """Probabilities of shape ``(rows, classes)``, each row's from a model that did not see it."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.model_selection import StratifiedKFold

    features = TfidfVectorizer(
        ngram_range=(1, 2), min_df=2 if len(texts) > 500 else 1, sublinear_tf=True, token_pattern=WORD
    )
    matrix = features.fit_transform(texts)
    result = np.zeros((len(texts), classes))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(matrix, codes))
    for train, held_out in folds:
        model = SGDClassifier(loss="log_loss", alpha=2e-5, max_iter=6, tol=None, random_state=seed)
        model.fit(matrix[train], codes[train])
        result[np.ix_(held_out, model.classes_)] = model.predict_proba(matrix[held_out])
    return result
