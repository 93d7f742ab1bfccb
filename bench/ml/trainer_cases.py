"""What ``trainer_overhead`` trains on: made-up rows, a small random Qwen2, and a training of each at step 0.

Not here: the loops that are measured (``trainer_overhead``).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: Steps of each training.
STEPS = 300
_SYLLABLES = ("ba", "do", "ki", "lu", "me", "no", "ra", "su", "te", "vi", "wo", "xa", "ye", "zu", "chi", "gre")
_WORDS = [first + second + third for first in _SYLLABLES for second in _SYLLABLES for third in ("n", "r")]
_LABELS = 50
_LENGTH = 24


def texts(count: int, seed: int) -> list[dict[str, str]]:
    """Texts of one length in words, of which the first tells the label."""
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        words = [draw.choice(_WORDS[:_LABELS]), *draw.choices(_WORDS, k=_LENGTH - 1)]
        rows.append({"text": " ".join(words), "label": words[0]})
    return rows


def problems(count: int, seed: int) -> list[dict[str, str]]:
    """One-step word problems with the equation as target."""
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        a, b, name = draw.randint(2, 99), draw.randint(2, 99), draw.choice(("Anna", "Ben", "Carla", "David"))
        prompt = f"{name} has {a} books and buys {b} more. How many are there now?"
        rows.append(
            {"prompt": prompt, "completion": f"{a} + {b} = {a + b}\n#### {a + b}", "target": f"{a}+{b}={a + b}"}
        )
    return rows


def make_qwen(folder: Path) -> None:
    """A random Qwen2 of two layers and a tokenizer trained on the words, as a folder below ``folder``."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForSequenceClassification

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=1200, special_tokens=["<|endoftext|>"], show_progress=False)
    tokenizer.train_from_iterator((row["text"] for row in texts(500, 2)), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|endoftext|>", eos_token="<|endoftext|>")  # noqa: S106 - tokens, not passwords
    fast.save_pretrained(folder / "tiny")
    import torch

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, pad_token_id=0, num_labels=_LABELS,
    )  # fmt: skip
    Qwen2ForSequenceClassification(config).save_pretrained(folder / "tiny")


class Case:
    """One model with its rows; every run starts from the same weights."""

    def __init__(self, model: str, task_type: str, rows: Sequence[dict[str, str]], folder: Path, **given: Any) -> None:
        from wlops_ml.models.catalog import complete_hyperparameters

        self.model, self.task_type, self.rows, self.folder = model, task_type, rows, folder
        self.given = {"max_steps": STEPS, "epochs": 1000, **given}
        self.hyperparameters = complete_hyperparameters(model, task_type, self.given)

    def training(self, scratch: Path) -> tuple[Any, Any, Any]:
        """Context, request and training, at step 0."""
        import torch

        from trainer.learners import make_learner
        from trainer.loop import Training
        from trainer.metrics import METRICS_NAME, StepMetrics
        from trainer.plan import make_plan
        from wlops_common.contracts import RowsRef, TrainRequest
        from wlops_common.testing import job_context
        from wlops_ml.models.catalog import resolve_model

        request = TrainRequest(
            job_key="task_bench/0/training/0", task_id="task_bench", iteration=0, segment=0, seed=1,
            output_prefix="models/t/0/s0/", model_name=self.model, hyperparameters=self.given, task_type=self.task_type,
            train=RowsRef(key="x", sha256="0" * 64, rows=len(self.rows)),
        )  # fmt: skip
        context = job_context(scratch, request, models_dir=self.folder)
        torch.manual_seed(1)
        entry = resolve_model(self.model, models_dir=self.folder, offline=True)
        learner = make_learner(entry, self.task_type, self.rows, [], self.hyperparameters, context)
        settings = {**self.hyperparameters, **learner.chosen}
        plan = make_plan(settings, examples=learner.sizes["train"], tokens=learner.train_tokens, seed=1)
        return context, request, Training(learner, plan, StepMetrics(context.work_dir / METRICS_NAME), context.log)


def cases(folder: Path) -> dict[str, Case]:
    """The measured models by name; what they need is made below ``folder``."""
    make_qwen(folder)
    return {
        "builtin:classifier": Case("builtin:classifier", "classification", texts(4000, 1), folder, batch_size=32),
        "builtin:tinygpt": Case("builtin:tinygpt", "generation", problems(2000, 1), folder),
        "small Qwen2": Case("local:tiny", "classification", texts(2000, 1), folder, batch_size=16),
    }
