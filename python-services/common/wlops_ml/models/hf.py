"""Pretrained Hugging Face models: fetching them, reading rows as they do, and answering with a fine-tuned one.

A finished folder holds our ``config.json`` and, below ``hf/``, what transformers or PEFT themselves read. No code from the hub is
run (``trust_remote_code`` stays off) and weights are safetensors only. Not here: training (``hf_learner``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wlops_common.contracts import TaskType
from wlops_common.errors import ModelUnavailable
from wlops_ml.models.base import Check, OnProgress, Prediction, Predictor, Row
from wlops_ml.models.catalog import local_folder
from wlops_ml.models.completion_loss import Example, mean_losses
from wlops_ml.models.learner import computes_bfloat16, device
from wlops_ml.models.padding import padded

FOLDER = "hf"
_CLASSIFICATION_BATCH = 64
_GENERATION_BATCH = 16
#: The scores of a large vocabulary for so many tokens take half a gigabyte, and as much again while losses are made of them.
_LOSS_BATCH_TOKENS = 1024


def load_tokenizer(source: str, *, offline: bool, revision: str | None = None) -> Any:
    """The tokenizer of a model, able to pad. Raises ``ModelUnavailable``."""
    from transformers import AutoTokenizer

    tokenizer = _fetched(
        source,
        lambda: AutoTokenizer.from_pretrained(
            source, local_files_only=offline, revision=revision, trust_remote_code=False
        ),
    )
    if tokenizer.pad_token_id is None:
        # Padded places are masked wherever they stand, so any token will do.
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.pad_token_id is None:
        raise ModelUnavailable(
            f"The tokenizer of {Path(source).name} has no token to pad with and none for the end of a text."
        )
    return tokenizer


def load_network(
    source: str,
    task_type: TaskType,
    labels: Sequence[str],
    *,
    offline: bool,
    dtype: torch.dtype,
    revision: str | None = None,
) -> Any:
    """The network of a model for the task, on the CPU; a head it lacks is made at random. Raises ``ModelUnavailable``."""
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    options: dict[str, Any] = {
        "local_files_only": offline,
        "revision": revision,
        "trust_remote_code": False,
        "use_safetensors": True,
        "dtype": dtype,
    }
    if task_type == "generation":
        return _fetched(source, lambda: AutoModelForCausalLM.from_pretrained(source, **options))
    options |= {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: number for number, label in enumerate(labels)},
        "ignore_mismatched_sizes": True,
    }
    return _fetched(source, lambda: AutoModelForSequenceClassification.from_pretrained(source, **options))


def _fetched(source: str, load: Callable[[], Any]) -> Any:
    from transformers.utils import logging

    # The job's log is JSON lines; progress bars and load reports would only garble it.
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        return load()
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelUnavailable(
            f"The files of {Path(source).name} cannot be fetched or loaded; it needs safetensors weights and an architecture "
            "that the installed transformers knows.",
            detail=str(error),
        ) from error


def prompt_tokens(tokenizer: Any, prompt: str, max_length: int) -> list[int]:
    """A prompt as the model expects it: by its chat template if it has one, else followed by a new line. Keeps the end."""
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            add_generation_prompt=True,
            tokenize=False,
            # Templates that know this word begin an answer without thinking aloud first, as the rows have it; others ignore it.
            enable_thinking=False,
        )
        tokens: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    else:
        tokens = tokenizer(f"{prompt}\n", add_special_tokens=False)["input_ids"]
        tokens = [tokenizer.bos_token_id, *tokens] if tokenizer.bos_token_id is not None else tokens
    return tokens[-max_length:]


def text_tokens(tokenizer: Any, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Texts to classify as tokens, with the tokenizer's own marks, cut at the end."""
    encoded: list[list[int]] = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    return encoded


def example(tokenizer: Any, row: Row, max_length: int) -> Example:
    """A row to learn from, or to be asked about: prompt, answer and end, with the answer's beginning in at most half of the length."""
    answer = tokenizer(str(row["completion"]), add_special_tokens=False)["input_ids"]
    answer = [*answer, tokenizer.eos_token_id][: max_length // 2]
    prompt = prompt_tokens(tokenizer, str(row["prompt"]), max_length - len(answer))
    return [*prompt, *answer], len(prompt)


class HfPredictor(Predictor):
    """A fine-tuned pretrained model."""

    def __init__(self, network: Any, tokenizer: Any, config: Mapping[str, Any]) -> None:
        self._network = network.eval().to(device())
        self._tokenizer = tokenizer
        self._max_length = int(config["maxLength"])
        self._max_new_tokens = int(config["maxNewTokens"])
        self.task_type: TaskType = config["taskType"]
        self.labels = tuple(config["labels"])

    @torch.inference_mode()
    def predict(
        self, rows: Sequence[Row], *, on_progress: OnProgress | None = None, check: Check | None = None
    ) -> list[Prediction]:
        """See ``Predictor.predict``."""
        is_classifier = self.task_type == "classification"
        sequences = self._classifier_input(rows) if is_classifier else self._generator_input(rows)
        order = np.argsort([len(sequence) for sequence in sequences], kind="stable").tolist()
        size = _CLASSIFICATION_BATCH if is_classifier else _GENERATION_BATCH
        predictions: dict[int, Prediction] = {}
        for start in range(0, len(rows), size):
            if check:
                check()
            batch = order[start : start + size]
            tokens = [sequences[row] for row in batch]
            answers = self._classify(tokens) if is_classifier else self._generate(tokens, check)
            predictions.update(zip(batch, answers, strict=True))
            if on_progress:
                on_progress(len(predictions), len(rows))
        return [predictions[row] for row in range(len(rows))]

    def completion_losses(self, rows: Sequence[Row], *, check: Check | None = None) -> npt.NDArray[np.float64]:
        """See ``Predictor.completion_losses``."""
        examples = [example(self._tokenizer, row, self._max_length) for row in rows]

        def next_token(tokens: Tensor, mask: Tensor, asked: Tensor) -> Tensor:
            logits: Tensor = self._network(input_ids=tokens, attention_mask=mask).logits
            return logits[:, :-1][asked]

        pad = self._tokenizer.pad_token_id
        return mean_losses(examples, next_token, pad=pad, batch_tokens=_LOSS_BATCH_TOKENS, check=check)

    def _classifier_input(self, rows: Sequence[Row]) -> list[list[int]]:
        return text_tokens(self._tokenizer, [str(row["text"]) for row in rows], self._max_length) if rows else []

    def _generator_input(self, rows: Sequence[Row]) -> list[list[int]]:
        return [prompt_tokens(self._tokenizer, str(row["prompt"]), self._max_length) for row in rows]

    def _classify(self, sequences: Sequence[Sequence[int]]) -> list[Prediction]:
        tokens, mask = padded(sequences, self._tokenizer.pad_token_id)
        logits = self._network(input_ids=tokens, attention_mask=mask).logits.float()
        probabilities = logits.softmax(dim=-1).cpu().numpy()
        best = probabilities.argmax(axis=1)
        return [
            Prediction(self.labels[label], float(row[label]), row)
            for label, row in zip(best, probabilities, strict=True)
        ]

    def _generate(self, sequences: Sequence[Sequence[int]], check: Check | None) -> list[Prediction]:
        tokens, mask = padded(sequences, self._tokenizer.pad_token_id, left=True)
        observed: list[Tensor] = []

        def observe(_: Tensor, scores: Tensor) -> Tensor:
            """Note the probability of the greedy choice at each step; changes nothing."""
            if check:
                check()
            observed.append(scores.float().softmax(dim=-1).amax(dim=-1).cpu())
            return scores

        written = self._network.generate(
            input_ids=tokens,
            attention_mask=mask,
            max_new_tokens=self._max_new_tokens,
            do_sample=False,
            num_beams=1,
            pad_token_id=self._tokenizer.pad_token_id,
            eos_token_id=self._tokenizer.eos_token_id,
            logits_processor=[observe],
        )[:, tokens.shape[1] :].cpu()
        probabilities = torch.stack(observed, dim=1)
        return [self._prediction(row, chances) for row, chances in zip(written, probabilities, strict=True)]

    def _prediction(self, written: Tensor, probabilities: Tensor) -> Prediction:
        ends = (written == self._tokenizer.eos_token_id).nonzero()
        length = int(ends[0]) + 1 if len(ends) else len(written)
        text = self._tokenizer.decode(written[:length], skip_special_tokens=True).strip()
        return Prediction(text, float(probabilities[:length].mean()) if length else None)


def load_hf(directory: Path, config: Mapping[str, Any], *, models_dir: Path | None, offline: bool) -> HfPredictor:
    """The fine-tuned model saved in a folder; adapters are put on their base model, which must be at hand.

    Raises:
        ModelUnavailable: A file is missing or damaged, or the base model cannot be loaded.
        ModelUnknown: The folder of a local base model is gone.
    """
    folder = directory / FOLDER
    tokenizer = load_tokenizer(str(folder), offline=True)
    dtype = torch.bfloat16 if computes_bfloat16() else torch.float32
    if config["fineTuning"] == "full":
        network = load_network(str(folder), config["taskType"], config["labels"], offline=True, dtype=dtype)
        return HfPredictor(network, tokenizer, config)
    from peft import PeftModel

    base = config["base"]
    source = str(local_folder(base["name"], models_dir)) if base["isLocal"] else base["hubId"]
    network = load_network(
        source, config["taskType"], config["labels"], offline=offline, dtype=dtype, revision=base["revision"]
    )
    network.config.pad_token_id = tokenizer.pad_token_id
    adapted = _fetched(source, lambda: PeftModel.from_pretrained(network, str(folder)))
    return HfPredictor(adapted, tokenizer, config)
