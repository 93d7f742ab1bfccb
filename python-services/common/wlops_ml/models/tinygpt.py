"""``builtin:tinygpt``: a small transformer that learns from scratch to write worked answers.

Trained on ``target`` where a row has one (equations: ``12*4=48;48+5=53``), else on ``completion``; the loss counts answer tokens only.
Numbers are copied by slot and computed by the calculator. Not covered: knowledge that is not in the rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from wlops_common.errors import DatasetTooSmall, HyperparameterInvalid, ModelUnavailable
from wlops_ml.models.base import CONFIG_NAME, FORMAT_VERSION, Check, OnProgress, Prediction, Predictor, Row
from wlops_ml.models.completion_loss import Example, mean_losses
from wlops_ml.models.decoding import Writing, write_answers
from wlops_ml.models.learner import Learner, LossSum, Role, device
from wlops_ml.models.tokenizer import END, EQUATION_SEPARATOR, PAD, SEPARATOR, UNKNOWN, CopyTokenizer
from wlops_ml.models.transformer import Transformer, TransformerShape
from wlops_ml.models.weights import WEIGHTS_NAME, load_weights, save_weights

_IGNORED = -100
_PREDICT_BATCH = 256
_LOSS_BATCH_TOKENS = 8192
_LAST_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")


class TinyGptLearner(Learner):
    """The model in training."""

    def __init__(self, train: Sequence[Row], mine: Sequence[Row], hyperparameters: dict[str, Any]) -> None:
        """Build the tokenizer from the training rows, and encode all rows.

        Raises:
            HyperparameterInvalid: ``hidden_size`` is no multiple of twice ``heads``.
            DatasetTooSmall: No training row fits into ``max_length``.
        """
        self._max_length = int(hyperparameters["max_length"])
        self._max_new_tokens = int(hyperparameters["max_new_tokens"])
        self._label_smoothing = float(hyperparameters["label_smoothing"])
        self._writes_equations = 2 * sum(bool(row.get("target")) for row in train) >= len(train)
        texts = (str(text) for row in train for text in (row["prompt"], _wanted(row)))
        self._tokenizer = CopyTokenizer.of(texts, int(hyperparameters["vocabulary_size"]))
        self._examples: dict[Role, list[Example]] = {
            "train": self._encode(train),
            "mine": self._encode(mine),
        }
        if not self._examples["train"]:
            raise DatasetTooSmall(
                f"No training row fits into {self._max_length} tokens; raise hyperparameters.max_length.",
                details={"field": "hyperparameters.max_length"},
            )
        self.sizes = {role: len(examples) for role, examples in self._examples.items()}
        self.train_tokens = sum(len(tokens) for tokens, _ in self._examples["train"])
        self.module: Transformer = Transformer(self._shape(hyperparameters), float(hyperparameters["dropout"])).to(
            device()
        )

    def loss(self, indices: Sequence[int], role: Role) -> LossSum:
        """See ``Learner.loss``; units are answer tokens, the end included."""
        inputs, targets = _padded([self._examples[role][index] for index in indices])
        counted = targets != _IGNORED
        logits = self.module.logits(self.module(inputs)[counted])
        smoothing = self._label_smoothing if role == "train" else 0.0
        total = functional.cross_entropy(logits, targets[counted], reduction="sum", label_smoothing=smoothing)
        return LossSum(total, self.units(indices, role))

    def units(self, indices: Sequence[int], role: Role) -> int:
        """See ``Learner.units``."""
        examples = (self._examples[role][index] for index in indices)
        return sum(len(tokens) - answer - tokens[answer:].count(UNKNOWN) for tokens, answer in examples)

    def save(self, directory: Path) -> None:
        """See ``Learner.save``."""
        config = {
            "formatVersion": FORMAT_VERSION,
            "architecture": "tinygpt",
            "taskType": "generation",
            "labels": [],
            "shape": asdict(self.module.shape),
            "maxLength": self._max_length,
            "maxNewTokens": self._max_new_tokens,
            "writesEquations": self._writes_equations,
            "tokenizer": {"words": self._tokenizer.words},
        }
        (directory / CONFIG_NAME).write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")
        save_weights(self.module.state_dict(), directory / WEIGHTS_NAME)

    def _encode(self, rows: Sequence[Row]) -> list[Example]:
        """Each row as tokens and the place where its answer begins; rows that are too long are left out."""
        separators = [EQUATION_SEPARATOR if row.get("target") else SEPARATOR for row in rows]
        examples = [
            _example(self._tokenizer, str(row["prompt"]), separator, _wanted(row))
            for row, separator in zip(rows, separators, strict=True)
        ]
        return [(tokens, answer) for tokens, answer in examples if len(tokens) <= self._max_length]

    def _shape(self, hyperparameters: dict[str, Any]) -> TransformerShape:
        hidden_size, heads = int(hyperparameters["hidden_size"]), int(hyperparameters["heads"])
        if hidden_size % (2 * heads):
            raise HyperparameterInvalid(
                f"hyperparameters.hidden_size must be a multiple of twice the heads ({2 * heads}), not {hidden_size}.",
                details={"field": "hyperparameters.hidden_size", "given": hidden_size},
            )
        return TransformerShape(self._tokenizer.size, hidden_size, int(hyperparameters["layers"]), heads)


class TinyGptPredictor(Predictor):
    """The trained model."""

    task_type = "generation"

    def __init__(self, module: Transformer, tokenizer: CopyTokenizer, config: dict[str, Any]) -> None:
        self._module = module.eval()
        self._tokenizer = tokenizer
        self._max_prompt = int(config["maxLength"])
        self._max_new_tokens = int(config["maxNewTokens"])
        self._writes_equations = bool(config["writesEquations"])

    def predict(
        self, rows: Sequence[Row], *, on_progress: OnProgress | None = None, check: Check | None = None
    ) -> list[Prediction]:
        """See ``Predictor.predict``. Answers made of equations get one a line and end in ``#### <result>``."""
        encoded = [self._tokenizer.encode_prompt(str(row["prompt"])) for row in rows]
        # Prompts of like length together: less padding.
        order = np.argsort([len(tokens) for tokens, _ in encoded], kind="stable").tolist()
        separator = EQUATION_SEPARATOR if self._writes_equations else SEPARATOR
        predictions: dict[int, Prediction] = {}
        for start in range(0, len(rows), _PREDICT_BATCH):
            batch = order[start : start + _PREDICT_BATCH]
            prompts = [[*encoded[row][0][-self._max_prompt :], separator] for row in batch]
            memories = [encoded[row][1] for row in batch]
            writings = write_answers(
                self._module, self._tokenizer, prompts, memories, self._max_new_tokens, check or (lambda: None)
            )
            predictions.update(zip(batch, map(self._prediction, writings), strict=True))
            if on_progress:
                on_progress(len(predictions), len(rows))
        return [predictions[row] for row in range(len(rows))]

    def completion_losses(self, rows: Sequence[Row], *, check: Check | None = None) -> npt.NDArray[np.float64]:
        """See ``Predictor.completion_losses``; of completions as they are given, also where the model was taught to write equations.

        Training leaves out rows that are too long. Here half the length is kept for the beginning of such an answer, the rest for the
        end of its prompt.
        """
        examples = [
            _shortened(
                _example(self._tokenizer, str(row["prompt"]), SEPARATOR, str(row["completion"])), self._max_prompt
            )
            for row in rows
        ]

        def next_token(tokens: Tensor, _: Tensor, asked: Tensor) -> Tensor:
            return self._module.logits(self._module(tokens[:, :-1])[asked])

        return mean_losses(
            examples, next_token, pad=PAD, batch_tokens=_LOSS_BATCH_TOKENS, unwritable=UNKNOWN, check=check
        )

    def _prediction(self, writing: Writing) -> Prediction:
        confidence = float(np.mean(writing.probabilities)) if writing.probabilities else None
        text = worked_answer(writing.text) if self._writes_equations else writing.text
        return Prediction(text, confidence)


def worked_answer(equations: str) -> str:
    """``12*4=48;48+5=53`` as a worked answer: an equation a line, then ``#### 53``. Without a number at its end, as it is."""
    final = _LAST_NUMBER.search(equations)
    lines = equations.replace(";", "\n")
    return f"{lines}\n#### {final[0]}" if final else lines


def load_tinygpt(directory: Path, config: dict[str, Any]) -> TinyGptPredictor:
    """The model saved in a folder. Raises ``ModelUnavailable`` when its files do not fit together."""
    weights = load_weights(directory / WEIGHTS_NAME)
    try:
        tokenizer = CopyTokenizer(config["tokenizer"]["words"])
        module = Transformer(TransformerShape(**config["shape"]))
        module.load_state_dict(weights)
        return TinyGptPredictor(module.to(device()), tokenizer, config)
    except (KeyError, TypeError, RuntimeError) as error:
        raise ModelUnavailable(
            "The model's configuration and weights do not fit together.", detail=str(error)
        ) from error


def _wanted(row: Row) -> str:
    return str(row.get("target") or row["completion"])


def _example(tokenizer: CopyTokenizer, prompt: str, separator: int, wanted: str) -> Example:
    tokens, memory = tokenizer.encode_prompt(prompt)
    return [*tokens, separator, *tokenizer.encode_answer(wanted, memory), END], len(tokens) + 1


def _shortened(example: Example, max_length: int) -> Example:
    """The example as it is where it fits, else the end of its prompt and the beginning of its answer."""
    tokens, answer = example
    if len(tokens) <= max_length:
        return example
    kept = tokens[answer : answer + max_length // 2]
    prompt = tokens[:answer][-(max_length - len(kept)) :]
    return [*prompt, *kept], len(prompt)


def _padded(examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Inputs and targets ``(rows, longest - 1)``; targets outside answers, and words no token stands for, are ignored."""
    longest = max(len(tokens) for tokens, _ in examples)
    inputs = np.full((len(examples), longest - 1), PAD, dtype=np.int64)
    targets = np.full((len(examples), longest - 1), _IGNORED, dtype=np.int64)
    for row, (tokens, answer) in enumerate(examples):
        inputs[row, : len(tokens) - 1] = tokens[:-1]
        targets[row, answer - 1 : len(tokens) - 1] = tokens[answer:]
    targets[targets == UNKNOWN] = _IGNORED
    return torch.from_numpy(inputs).to(device()), torch.from_numpy(targets).to(device())
