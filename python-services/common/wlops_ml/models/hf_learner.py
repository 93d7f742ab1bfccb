"""Fine-tuning of pretrained Hugging Face models, all weights or LoRA adapters (Hu et al. 2021, through PEFT).

They share the training loop with the built-in models. Trained on ``completion`` as the user gave it: the rewritten ``target`` is for
models that learn from scratch. Not here: fetching and answering (``hf``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from wlops_common.contracts import TaskType
from wlops_common.errors import DatasetTooSmall, ModelUnavailable
from wlops_ml.models.base import CONFIG_NAME, FORMAT_VERSION, Row
from wlops_ml.models.hf import FOLDER, example, load_network, load_tokenizer, text_tokens
from wlops_ml.models.learner import Learner, LossSum, Role, computes_bfloat16, device
from wlops_ml.models.padding import padded

_FULL_PARAMETER_LIMIT = 1_000_000_000
_LEARNING_RATES = {"full": 2e-5, "lora": 2e-4}


class HfLearner(Learner):
    """A pretrained model in training."""

    def __init__(
        self,
        model: Mapping[str, Any],
        task_type: TaskType,
        train: Sequence[Row],
        mine: Sequence[Row],
        hyperparameters: Mapping[str, Any],
        *,
        offline: bool,
    ) -> None:
        """Load the model (an entry of the catalogue, resolved) and encode the rows.

        Raises:
            ModelUnavailable: Its files cannot be fetched or loaded.
            DatasetTooSmall: Fewer than two labels (classification).
        """
        self._model = model
        self._task_type: TaskType = task_type
        self._max_length = int(hyperparameters["max_length"])
        self._max_new_tokens = int(hyperparameters["max_new_tokens"])
        self._label_smoothing = float(hyperparameters["label_smoothing"])
        source = str(model.get("path") or model["hubId"])
        self.labels = _labels(train) if task_type == "classification" else []
        self._tokenizer = load_tokenizer(source, offline=offline)
        if task_type == "generation" and self._tokenizer.eos_token_id is None:
            raise ModelUnavailable(
                f"The tokenizer of {model['name']} has no token for the end of a text, so no answer could end."
            )
        network = load_network(source, task_type, self.labels, offline=offline, dtype=torch.float32)
        network.config.pad_token_id = self._tokenizer.pad_token_id
        self._revision: str | None = getattr(network.config, "_commit_hash", None)
        self._fine_tuning = _fine_tuning(hyperparameters, network)
        learning_rate = hyperparameters["learning_rate"] or _LEARNING_RATES[self._fine_tuning]
        self.chosen = {"fine_tuning": self._fine_tuning, "learning_rate": learning_rate}
        if hyperparameters["gradient_checkpointing"]:
            network.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        if self._fine_tuning == "lora":
            network = _with_adapters(network, task_type, hyperparameters)
        self.module: Any = network.to(device())
        if task_type == "classification":
            mine = [row for row in mine if row["label"] in self.labels]
        self._examples: dict[Role, list[tuple[list[int], list[int]]]] = {
            "train": self._encode(train),
            "mine": self._encode(mine),
        }
        self.sizes = {role: len(examples) for role, examples in self._examples.items()}
        self.train_tokens = sum(len(tokens) for tokens, _ in self._examples["train"])

    def loss(self, indices: Sequence[int], role: Role) -> LossSum:
        """See ``Learner.loss``; units are rows (classification) or answer tokens, the end included (generation)."""
        examples = [self._examples[role][index] for index in indices]
        smoothing = self._label_smoothing if role == "train" else 0.0
        tokens, mask = padded([tokens for tokens, _ in examples], self._tokenizer.pad_token_id)
        logits = self.module(input_ids=tokens, attention_mask=mask).logits
        if self._task_type == "classification":
            targets = torch.tensor([target for _, (target,) in examples], device=device())
        else:
            answers = padded([[0] * (len(tokens) - len(answer)) + [1] * len(answer) for tokens, answer in examples], 0)[
                0
            ]
            counted = answers[:, 1:] == 1
            logits, targets = logits[:, :-1][counted], tokens[:, 1:][counted]
        total = functional.cross_entropy(logits.float(), targets, reduction="sum", label_smoothing=smoothing)
        return LossSum(total, len(targets))

    def units(self, indices: Sequence[int], role: Role) -> int:
        """See ``Learner.units``."""
        return sum(len(self._examples[role][index][1]) for index in indices)

    def save(self, directory: Path) -> None:
        """See ``Learner.save``. Adapters are saved without their base model, which ``config.json`` names with its revision."""
        folder = directory / FOLDER
        self.module.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)
        config = {
            "formatVersion": FORMAT_VERSION,
            "architecture": "hf",
            "taskType": self._task_type,
            "labels": self.labels,
            "fineTuning": self._fine_tuning,
            "base": {
                "name": self._model["name"],
                "isLocal": self._model["kind"] == "local",
                "hubId": self._model.get("hubId"),
                "revision": self._revision,
            },
            "maxLength": self._max_length,
            "maxNewTokens": self._max_new_tokens,
        }
        (directory / CONFIG_NAME).write_text(json.dumps(config, ensure_ascii=False, indent=1), encoding="utf-8")

    def _encode(self, rows: Sequence[Row]) -> list[tuple[list[int], list[int]]]:
        """Each row as its tokens and what is to be learned: the label's number, or the answer's tokens at their end."""
        if self._task_type == "classification":
            if not rows:
                return []
            texts = text_tokens(self._tokenizer, [str(row["text"]) for row in rows], self._max_length)
            return [(text, [self.labels.index(str(row["label"]))]) for text, row in zip(texts, rows, strict=True)]
        examples = (example(self._tokenizer, row, self._max_length) for row in rows)
        return [(tokens, tokens[answer:]) for tokens, answer in examples]


def _labels(rows: Sequence[Row]) -> list[str]:
    labels = sorted({str(row["label"]) for row in rows})
    if len(labels) < 2:
        raise DatasetTooSmall(f"A classifier needs rows of at least two labels; the training rows have {len(labels)}.")
    return labels


def _fine_tuning(hyperparameters: Mapping[str, Any], network: Any) -> str:
    if hyperparameters["fine_tuning"]:
        return str(hyperparameters["fine_tuning"])
    return "full" if network.num_parameters() < _FULL_PARAMETER_LIMIT else "lora"


def _with_adapters(network: Any, task_type: TaskType, hyperparameters: Mapping[str, Any]) -> Any:
    """The network with frozen weights and trainable adapters beside all its linear layers.

    With mixed precision the frozen weights are bfloat16, where the device computes in it; the trainable ones are always float32.
    """
    from peft import LoraConfig, get_peft_model
    from peft import TaskType as PeftTask

    if hyperparameters["mixed_precision"] and computes_bfloat16():
        network = network.to(torch.bfloat16)
    if hyperparameters["gradient_checkpointing"]:
        network.enable_input_require_grads()
    config = LoraConfig(
        task_type=PeftTask.SEQ_CLS if task_type == "classification" else PeftTask.CAUSAL_LM,
        r=int(hyperparameters["lora_rank"]),
        lora_alpha=hyperparameters["lora_alpha"],
        lora_dropout=float(hyperparameters["lora_dropout"]),
        target_modules="all-linear",
    )
    adapted = get_peft_model(network, config)
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.data = (
                parameter.data.float()
            )  # the head of a classifier is trained, too, and PEFT leaves it as it was
    return adapted
