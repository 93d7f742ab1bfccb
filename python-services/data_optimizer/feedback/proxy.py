"""A quick linear model that stands in for the real one: to ask which pool rows are hard, and which remedies help.

TF-IDF of words and pairs of words, logistic loss, one class against the rest. The vocabulary is that of the source rows, so that all
arms of a trial are compared in the same features; a text is turned into features once.

Memory is bounded whatever the data: by the weights (``MAX_WEIGHTS``), the characters that vocabulary and features are read from, the rows
of a training, and the rows that are asked about at a time. Up to some ten thousand short texts of a hundred classes no bound is met.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from data_optimizer.feedback.question import Question

#: Words of one character too: in short questions `i` and `a` carry meaning.
WORD = r"(?u)\b\w+\b"
_WORD_OR_SIGN = rf"{WORD}|[^\w\s]"
DESCRIPTION = "linear model over words and pairs of words"
#: More training rows than this add time to a trial and little to what it says.
MAX_TRAINING_ROWS = 20_000
#: Classes times features. Above the first number weights are of single precision, 4 bytes each and the same again while the model is
#: asked; above the second the rarest words and pairs are left out.
MAX_DOUBLE_WEIGHTS, MAX_WEIGHTS = 24_000_000, 64_000_000
#: The beginning of a text that is read, and of how much text in all the vocabulary is taken.
MAX_CHARACTERS, MAX_VOCABULARY_CHARACTERS = 2_000, 16_000_000
#: Passes over the rows: as many rows in all, within bounds. A model of few rows that had few passes would gain from mere repetition.
_ROWS_IN_ALL, _FEWEST_EPOCHS, _MOST_EPOCHS = 30_000, 6, 40
_ROWS_AT_ONCE = 4_096
#: Where fewer of the texts than this share have a word, as emoji and signs have none, each sign is read as one.
_SHARE_WITH_WORDS = 0.9
#: Features of texts that are kept, at 12 bytes each.
_MOST_KEPT = 20_000_000

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Proxy:
    """A fitted model; ``answers`` are the ones it tells apart, in the order of its probabilities."""

    maker: ProxyModels
    model: Any

    @property
    def answers(self) -> list[str]:
        """The answers it tells apart."""
        return [str(answer) for answer in self.model.classes_]

    def margins(self, rows: pl.DataFrame) -> tuple[Floats, Integers]:
        """By how much the most probable answer leads the next, and its place in ``answers``; both of shape ``(rows,)``."""
        found = [(_lead(one), one.argmax(axis=1)) for one in self._probabilities(rows)]
        leads, places = zip(*found, strict=True) if found else ((np.empty(0),), (np.empty(0, dtype=np.int64),))
        return np.concatenate(leads), np.concatenate(places)

    def right(self, rows: pl.DataFrame, answers: list[str | None]) -> Floats:
        """1.0 where the most probable answer is the row's, else 0.0; shape ``(rows,)``."""
        known = np.array(self.answers, dtype=object)
        predicted = known[self.margins(rows)[1]]
        return np.asarray(predicted == np.array(answers, dtype=object), dtype=np.float64)

    def _probabilities(self, rows: pl.DataFrame) -> Iterator[Floats]:
        """Shape ``(some rows, answers)``, one after the other: of all rows and many classes there would not be room."""
        for start in range(0, rows.height, _ROWS_AT_ONCE):
            yield np.asarray(self.model.predict_proba(self.maker.features(rows[start : start + _ROWS_AT_ONCE])))


def _lead(probabilities: Floats) -> Floats:
    best = np.partition(probabilities, -2, axis=1)
    return np.asarray(best[:, -1] - best[:, -2])


class ProxyModels:
    """Where quick models are made: one question, one vocabulary, features of texts kept."""

    def __init__(self, question: Question, source: pl.DataFrame) -> None:
        """Take the vocabulary from the texts of ``source``."""
        self.question = question
        texts = list(dict.fromkeys(self._texts(_sampled(source, MAX_VOCABULARY_CHARACTERS))))
        classes = len({answer for answer in question.answers(source) if answer is not None})
        self._vectorizer, self._matrix = _vocabulary(texts, max(1, classes))
        self._row_of = {text: row for row, text in enumerate(texts)}

    @property
    def description(self) -> str:
        """What the quick model is and what it is asked."""
        return f"{DESCRIPTION}, of {self.question.name}"

    def features(self, rows: pl.DataFrame) -> Any:
        """Sparse features, shape ``(rows, vocabulary)``."""
        from scipy import sparse

        texts = self._texts(rows)
        new = [text for text in dict.fromkeys(texts) if text not in self._row_of]
        made = self._vectorizer.transform(new) if new else self._matrix[:0]
        if self._matrix.nnz + made.nnz <= _MOST_KEPT:
            self._row_of |= {text: self._matrix.shape[0] + place for place, text in enumerate(new)}
            self._matrix = sparse.vstack([self._matrix, made], format="csr") if new else self._matrix
            return self._matrix[[self._row_of[text] for text in texts]]
        known = list(dict.fromkeys(text for text in texts if text in self._row_of))
        both = sparse.vstack([self._matrix[[self._row_of[text] for text in known]], made], format="csr")
        place_of = {text: place for place, text in enumerate([*known, *new])}
        return both[[place_of[text] for text in texts]]

    def _texts(self, rows: pl.DataFrame) -> list[str]:
        return [text[:MAX_CHARACTERS] for text in self.question.texts(rows)]

    def fit(self, train: pl.DataFrame, seed: int) -> Proxy | None:
        """A model of these rows; same rows and seed, same model, whatever their order. None where there is one answer or none."""
        from sklearn.linear_model import SGDClassifier

        ordered = train.sort("id")
        if ordered.height > MAX_TRAINING_ROWS:
            # By the row, not by its place: of two arms that share most rows the samples do too.
            ordered = ordered[np.sort(_by_chance(ordered, seed)[:MAX_TRAINING_ROWS])]
        answers = np.array(self.question.answers(ordered), dtype=object)
        known = np.flatnonzero(answers != None)  # noqa: E711 - elementwise
        if len(set(answers[known])) < 2:
            return None
        epochs = min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, _ROWS_IN_ALL // len(known)))
        model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=epochs, tol=None, random_state=seed % 2**31)
        model.fit(self.features(ordered)[known], answers[known].astype(str))
        return Proxy(self, model)


def _vocabulary(texts: list[str], classes: int) -> tuple[Any, Any]:
    """A fitted vectorizer and the features of the texts, under the bound; of signs too, where words alone would leave many without."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    has_words = sum(map(_has_word, texts)) >= _SHARE_WITH_WORDS * len(texts)
    pattern = WORD if has_words else _WORD_OR_SIGN
    reading: dict[str, Any] = {"token_pattern": pattern, "ngram_range": (1, 2), "sublinear_tf": True}
    vectorizer = TfidfVectorizer(**reading)
    matrix = vectorizer.fit_transform(texts)
    if matrix.shape[1] * classes > MAX_DOUBLE_WEIGHTS:
        vectorizer = TfidfVectorizer(**reading, max_features=MAX_WEIGHTS // classes, dtype=np.float32)
        matrix = vectorizer.fit_transform(texts)
    return vectorizer, matrix


def _has_word(text: str) -> bool:
    return re.search(WORD, text) is not None


def _sampled(rows: pl.DataFrame, characters: int) -> pl.DataFrame:
    """All rows where their texts are no longer than that together, else as many by chance, whatever their order."""
    lengths = rows["given"].str.len_chars().clip(upper_bound=MAX_CHARACTERS).to_numpy()
    if lengths.sum() <= characters:
        return rows
    order = _by_chance(rows, 0)
    return rows[order[: max(1, int(np.searchsorted(lengths[order].cumsum(), characters, "right")))]]


def _by_chance(rows: pl.DataFrame, seed: int) -> Integers:
    """Row numbers in an order that is a hash of seed and id, so that a row comes early or late whatever stands beside it."""
    ids = rows["id"]  # of content: 16 hex digits, and a number where there are several of the same
    digits = ids.str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64).to_numpy()
    numbers = ids.str.slice(17).cast(pl.UInt64, strict=False).fill_null(0).to_numpy()
    keys = _mixed(digits ^ _mixed(numbers ^ _mixed(np.full(1, seed, dtype=np.uint64))))
    return np.argsort(keys, kind="stable")


def _mixed(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Each number's place in a fixed order that looks random: the finisher of SplitMix64 (Steele, Lea, Flood 2014), modulo 2**64."""
    keys = keys + np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
