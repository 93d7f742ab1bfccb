"""``builtin:classifier``: a linear text classifier over embedded n-grams, after fastText (Joulin et al. 2017).

An n-gram weighs its tf-idf, rows are scaled to unit length, and training drops n-grams at random, so that no single one decides.
Learns tens of thousands of rows in seconds on one core. Not covered: word order beyond neighbours, and pretrained knowledge.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from wlops_common.errors import DatasetTooSmall, ModelUnavailable
from wlops_ml.models.base import CONFIG_NAME, FORMAT_VERSION, Check, OnProgress, Prediction, Predictor, Row
from wlops_ml.models.learner import Learner, LossSum, Role, device
from wlops_ml.models.ngrams import HashArray, NgramHasher
from wlops_ml.models.weights import WEIGHTS_NAME, load_weights, save_weights

_PREDICT_BATCH = 256


@dataclass(frozen=True)
class Bags:
    """Rows as bags of known n-grams: row ``r`` holds ``features[starts[r]:starts[r + 1]]`` with the weights beside them."""

    starts: npt.NDArray[np.int64]
    features: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Features, weights (both flat) and the offset at which each row starts, as ``nn.EmbeddingBag`` takes them."""
        spans = [slice(self.starts[row], self.starts[row + 1]) for row in rows]
        offsets = np.cumsum([0, *(span.stop - span.start for span in spans[:-1])], dtype=np.int64)
        features = np.concatenate([self.features[span] for span in spans])
        weights = np.concatenate([self.weights[span] for span in spans])
        return torch.from_numpy(features), torch.from_numpy(weights), torch.from_numpy(offsets)


class Vocabulary:
    """The n-grams a model knows, by hash, with their inverse document frequency."""

    def __init__(self, hashes: npt.NDArray[np.int64], idf: npt.NDArray[np.float32]) -> None:
        """``hashes`` ascending; ``idf`` of the same shape."""
        self.hashes = hashes
        self.idf = idf

    @classmethod
    def of(cls, rows: Sequence[HashArray], *, min_count: int, max_features: int) -> Vocabulary:
        """The n-grams found in at least ``min_count`` rows; the most frequent ones when there are more than ``max_features``."""
        distinct = [np.unique(row) for row in rows]
        hashes, counts = np.unique(np.concatenate(distinct), return_counts=True)
        kept = np.flatnonzero(counts >= min(min_count, counts.max(initial=1)))
        if len(kept) > max_features:
            kept = np.sort(kept[np.argsort(-counts[kept], kind="stable")[:max_features]])
        idf = np.log((1 + len(rows)) / (1 + counts[kept])) + 1
        return cls(hashes[kept].astype(np.int64), idf.astype(np.float32))

    def bags(self, rows: Sequence[HashArray]) -> Bags:
        """Known n-grams of each row, weighed (1 + ln count) x idf and scaled to length 1."""
        features, weights, starts = [], [], [0]
        for row in rows:
            hashes, counts = np.unique(row.astype(np.int64), return_counts=True)
            at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
            known = self.hashes[at] == hashes
            found, weight = at[known], (1 + np.log(counts[known])) * self.idf[at[known]]
            features.append(found)
            weights.append((weight / max(float(np.linalg.norm(weight)), 1e-9)).astype(np.float32))
            starts.append(starts[-1] + len(found))
        return Bags(np.array(starts), np.concatenate(features), np.concatenate(weights))


class EmbeddedBagOfNgrams(nn.Module):
    """Weighted sum of n-gram vectors, then one linear layer to the labels."""

    def __init__(self, features: int, dimension: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(features, dimension, mode="sum")
        nn.init.normal_(self.embedding.weight, std=0.05)
        self.bias = nn.Parameter(torch.zeros(dimension))
        self.output = nn.Linear(dimension, labels)
        self.dropout = dropout

    def forward(self, features: Tensor, weights: Tensor, offsets: Tensor) -> Tensor:
        """Flat features and weights with row offsets -> logits of shape ``(rows, labels)``."""
        weights = functional.dropout(weights, self.dropout, self.training)
        logits: Tensor = self.output(self.embedding(features, offsets, per_sample_weights=weights) + self.bias)
        return logits


@dataclass(frozen=True)
class ClassifierShape:
    """What, beside the weights, makes a saved classifier: kinds of n-grams and size of their vectors."""

    word_ngrams: int
    piece_min: int
    piece_max: int
    dimension: int

    def hasher(self) -> NgramHasher:
        """The n-grams this classifier reads."""
        return NgramHasher(self.word_ngrams, self.piece_min, self.piece_max)


class ClassifierLearner(Learner):
    """The classifier in training."""

    def __init__(self, train: Sequence[Row], mine: Sequence[Row], hyperparameters: dict[str, Any]) -> None:
        """Build vocabulary, labels and bags from the rows. Raises ``DatasetTooSmall`` when there are fewer than two labels."""
        self.labels = sorted({str(row["label"]) for row in train})
        if len(self.labels) < 2:
            raise DatasetTooSmall(
                f"A classifier needs rows of at least two labels; the training rows have {len(self.labels)}."
            )
        self._label_smoothing = float(hyperparameters["label_smoothing"])
        self._shape = ClassifierShape(
            word_ngrams=int(hyperparameters["word_ngrams"]),
            piece_min=int(hyperparameters["piece_min"]),
            piece_max=int(hyperparameters["piece_max"]),
            dimension=int(hyperparameters["hidden_size"]),
        )
        numbers = {label: number for number, label in enumerate(self.labels)}
        known: dict[Role, list[Row]] = {"train": list(train), "mine": [row for row in mine if row["label"] in numbers]}
        hasher = self._shape.hasher()
        hashes = {role: [hasher.hashes(str(row["text"])) for row in rows] for role, rows in known.items()}
        self._vocabulary = Vocabulary.of(
            hashes["train"],
            min_count=int(hyperparameters["min_count"]),
            max_features=int(hyperparameters["max_features"]),
        )
        self._bags = {role: self._vocabulary.bags(rows) for role, rows in hashes.items() if rows}
        self._targets = {
            role: torch.tensor([numbers[str(row["label"])] for row in rows], device=device())
            for role, rows in known.items()
        }
        self.sizes = {role: len(rows) for role, rows in known.items()}
        self.module = EmbeddedBagOfNgrams(
            len(self._vocabulary.hashes), self._shape.dimension, len(self.labels), float(hyperparameters["dropout"])
        ).to(device())

    def loss(self, indices: Sequence[int], role: Role) -> LossSum:
        """See ``Learner.loss``; units are rows."""
        logits = self.module(*(part.to(device()) for part in self._bags[role].batch(indices)))
        smoothing = self._label_smoothing if role == "train" else 0.0
        targets = self._targets[role][torch.as_tensor(indices, device=device())]
        return LossSum(
            functional.cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing), len(indices)
        )

    def units(self, indices: Sequence[int], role: Role) -> int:  # noqa: ARG002
        """See ``Learner.units``."""
        return len(indices)

    def save(self, directory: Path) -> None:
        """See ``Learner.save``."""
        config = {
            "formatVersion": FORMAT_VERSION,
            "architecture": "classifier",
            "taskType": "classification",
            "labels": self.labels,
            "shape": asdict(self._shape),
        }
        (directory / CONFIG_NAME).write_text(json.dumps(config, ensure_ascii=False, indent=1), encoding="utf-8")
        tensors = dict(self.module.state_dict())
        tensors["vocabulary.hashes"] = torch.from_numpy(self._vocabulary.hashes)
        tensors["vocabulary.idf"] = torch.from_numpy(self._vocabulary.idf)
        save_weights(tensors, directory / WEIGHTS_NAME)


class ClassifierPredictor(Predictor):
    """The trained classifier."""

    task_type = "classification"

    def __init__(
        self, labels: Sequence[str], shape: ClassifierShape, vocabulary: Vocabulary, module: nn.Module
    ) -> None:
        self.labels = tuple(labels)
        self._hasher = shape.hasher()
        self._vocabulary = vocabulary
        self._module = module.eval()

    @torch.inference_mode()
    def predict(
        self, rows: Sequence[Row], *, on_progress: OnProgress | None = None, check: Check | None = None
    ) -> list[Prediction]:
        """See ``Predictor.predict``."""
        predictions: list[Prediction] = []
        for start in range(0, len(rows), _PREDICT_BATCH):
            if check:
                check()
            predictions += self._predict_batch(rows[start : start + _PREDICT_BATCH])
            if on_progress:
                on_progress(len(predictions), len(rows))
        return predictions

    def _predict_batch(self, rows: Sequence[Row]) -> list[Prediction]:
        bags = self._vocabulary.bags([self._hasher.hashes(str(row["text"])) for row in rows])
        logits = self._module(*(part.to(device()) for part in bags.batch(range(len(rows)))))
        probabilities = functional.softmax(logits, dim=1).cpu().numpy()
        best = probabilities.argmax(axis=1)
        return [
            Prediction(self.labels[label], float(row[label]), row)
            for label, row in zip(best, probabilities, strict=True)
        ]


def load_classifier(directory: Path, config: dict[str, Any]) -> ClassifierPredictor:
    """The classifier saved in a folder. Raises ``ModelUnavailable`` when its files do not fit together."""
    tensors = load_weights(directory / WEIGHTS_NAME)
    try:
        shape = ClassifierShape(**config["shape"])
        labels = [str(label) for label in config["labels"]]
        vocabulary = Vocabulary(tensors.pop("vocabulary.hashes").numpy(), tensors.pop("vocabulary.idf").numpy())
        module = EmbeddedBagOfNgrams(len(vocabulary.hashes), shape.dimension, len(labels), dropout=0.0)
        module.load_state_dict(tensors)
    except (KeyError, TypeError, RuntimeError) as error:
        raise ModelUnavailable(
            "The classifier's configuration and weights do not fit together.", detail=str(error)
        ) from error
    return ClassifierPredictor(labels, shape, vocabulary, module.to(device()))
