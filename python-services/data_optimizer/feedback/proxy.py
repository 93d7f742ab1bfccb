"""A quick linear model that stands in for the real one: to ask which pool rows are hard, and which remedies help.

TF-IDF of words and pairs of words, logistic loss, one class against the rest. The vocabulary is that of the source rows, so that all
arms of a trial are compared in the same features; a text is turned into features once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from data_optimizer.feedback.question import Question

#: Words of one character too: in short questions `i` and `a` carry meaning.
WORD = r"(?u)\b\w+\b"
DESCRIPTION = "linear model over words and pairs of words"
#: More training rows than this add time to a trial and little to what it says.
MAX_TRAINING_ROWS = 20_000
#: Passes over the rows: as many rows in all, within bounds. A model of few rows that had few passes would gain from mere repetition.
_ROWS_IN_ALL, _FEWEST_EPOCHS, _MOST_EPOCHS = 30_000, 6, 40

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Proxy:
    """A fitted model; ``answers`` are the ones it tells apart, in the order of its probabilities."""

    maker: ProxyModels
    model: Any

    @property
    def answers(self) -> list[str]:
        """The answers it tells apart."""
        return [str(answer) for answer in self.model.classes_]

    def probabilities(self, rows: pl.DataFrame) -> Floats:
        """Shape ``(rows, answers)``."""
        return np.asarray(self.model.predict_proba(self.maker.features(rows)))

    def right(self, rows: pl.DataFrame, answers: list[str | None]) -> Floats:
        """1.0 where the most probable answer is the row's, else 0.0; shape ``(rows,)``."""
        known = np.array(self.answers, dtype=object)
        predicted = known[self.model.predict_proba(self.maker.features(rows)).argmax(axis=1)]
        return np.asarray(predicted == np.array(answers, dtype=object), dtype=np.float64)


class ProxyModels:
    """Where quick models are made: one question, one vocabulary, features of each text kept."""

    def __init__(self, question: Question, source: pl.DataFrame) -> None:
        """Take the vocabulary from the texts of ``source``."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.question = question
        self._row_of: dict[str, int] = {}
        self._vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD)
        texts = list(dict.fromkeys(question.texts(source)))
        self._matrix = self._vectorizer.fit_transform(texts)
        self._row_of = {text: row for row, text in enumerate(texts)}

    @property
    def description(self) -> str:
        """What the quick model is and what it is asked."""
        return f"{DESCRIPTION}, of {self.question.name}"

    def features(self, rows: pl.DataFrame) -> Any:
        """Sparse features, shape ``(rows, vocabulary)``."""
        from scipy import sparse

        texts = self.question.texts(rows)
        new = [text for text in dict.fromkeys(texts) if text not in self._row_of]
        if new:
            start = self._matrix.shape[0]
            self._row_of |= {text: start + offset for offset, text in enumerate(new)}
            self._matrix = sparse.vstack([self._matrix, self._vectorizer.transform(new)], format="csr")
        return self._matrix[[self._row_of[text] for text in texts]]

    def fit(self, train: pl.DataFrame, seed: int) -> Proxy | None:
        """A model of these rows; same rows and seed, same model, whatever their order. None where there is one answer or none."""
        from sklearn.linear_model import SGDClassifier

        ordered = train.sort("id")
        if ordered.height > MAX_TRAINING_ROWS:
            ordered = ordered.sample(MAX_TRAINING_ROWS, seed=seed).sort("id")
        answers = np.array(self.question.answers(ordered), dtype=object)
        known = np.flatnonzero(answers != None)  # noqa: E711 - elementwise
        if len(set(answers[known])) < 2:
            return None
        epochs = min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, _ROWS_IN_ALL // len(known)))
        model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=epochs, tol=None, random_state=seed % 2**31)
        model.fit(self.features(ordered)[known], answers[known].astype(str))
        return Proxy(self, model)
