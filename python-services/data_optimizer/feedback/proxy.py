"""A quick linear model that stands in for the real one: to ask which pool rows are hard, and whether a remedy helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from data_optimizer.steps.label_issues import WORD


@dataclass(frozen=True)
class Proxy:
    """A fitted model of TF-IDF features; ``classes`` are its labels in the order of its probabilities."""

    features: Any
    model: Any

    @property
    def classes(self) -> list[str]:
        """The labels it tells apart."""
        return [str(label) for label in self.model.classes_]

    def probabilities(self, texts: list[str]) -> npt.NDArray[np.float64]:
        """Shape ``(texts, classes)``."""
        return np.asarray(self.model.predict_proba(self.features.transform(texts)))

    def predict(self, texts: list[str]) -> list[str]:
        """The most probable label of each text."""
        return [self.classes[index] for index in self.probabilities(texts).argmax(axis=1)]


def fit(train: pl.DataFrame, seed: int) -> Proxy:
    """A model of these rows; they must have two labels. Same rows and seed, same model, whatever their order."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier

    ordered = train.sort("id")
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD)
    model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=20, tol=None, random_state=seed)
    model.fit(features.fit_transform(ordered["given"].to_list()), ordered["wanted"].to_list())
    return Proxy(features, model)
