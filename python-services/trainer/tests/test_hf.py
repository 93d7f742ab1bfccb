"""Pretrained models on a tiny random Qwen2 whose tokenizer is trained on the rows: full and LoRA, offline, saved and read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trainer.job import run
from trainer.tests.support import Jobs, intent_rows
from wlops_common.contracts import ObjectRef
from wlops_common.errors import ModelUnavailable, ModelUnknown
from wlops_common.job_context import JobInterrupted
from wlops_common.manifest import read_manifest

# PEFT 0.21 still asks by the old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CAPITALS = {"France": "Paris", "Peru": "Lima", "Japan": "Tokyo", "Kenya": "Nairobi", "Italy": "Rome", "Cuba": "Havana"}


def capital_rows(times: int) -> list[dict[str, str]]:
    """Questions whose answers a model can learn by heart."""
    return [
        {"prompt": f"What is the capital of {country}? ({number})", "completion": capital}
        for number in range(times)
        for country, capital in CAPITALS.items()
    ]


@pytest.fixture
def tiny_qwen(jobs: Jobs, tmp_path: Path) -> Jobs:
    """``local:tiny`` (with a chat template) below the operator's folder."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    texts = [f"{row['prompt']} {row['completion']} user assistant" for row in capital_rows(3)]
    texts += [row["text"] for row in intent_rows(100)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.chat_template = CHATML
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        # Large enough for the frozen output layer to tell tokens apart, as a pretrained one does.
        initializer_range=0.2,
    )
    folder = tmp_path / "models" / "tiny"
    Qwen2ForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    jobs.models_dir = tmp_path / "models"
    return jobs


def test_full_fine_tuning_learns_answers_by_heart(tiny_qwen: Jobs) -> None:
    request = tiny_qwen.request(
        capital_rows(8), model="local:tiny", task_type="generation", learning_rate=0.005, epochs=30, fine_tuning="full"
    )
    predictor = tiny_qwen.predictor(tiny_qwen.train(request))
    rows = capital_rows(1)
    predictions = predictor.predict(rows)
    right = sum(prediction.text == row["completion"] for prediction, row in zip(predictions, rows, strict=True))
    assert right >= 5
    assert all(0 < (prediction.confidence or 0) <= 1 for prediction in predictions)


def test_lora_trains_adapters_only_and_they_load_onto_their_base_model(tiny_qwen: Jobs) -> None:
    request = tiny_qwen.request(
        capital_rows(8), model="local:tiny", task_type="generation", learning_rate=0.01, epochs=10, fine_tuning="lora"
    )
    result = tiny_qwen.train(request)
    names = [file.name for file in read_manifest(tiny_qwen.store, result.model).files]
    assert "hf/adapter_model.safetensors" in names
    assert not [name for name in names if name.endswith(("model.safetensors", ".bin", ".pt")) and "adapter" not in name]
    losses = [loss for _, loss in result.loss_curve]
    assert losses[-1] < 0.7 * losses[0]
    predictor = tiny_qwen.predictor(result)
    assert len(predictor.predict(capital_rows(1))) == len(CAPITALS)


@pytest.mark.parametrize("fine_tuning", ["full", "lora"])
def test_a_classifier_on_a_pretrained_model_learns_labels(tiny_qwen: Jobs, fine_tuning: str) -> None:
    request = tiny_qwen.request(
        intent_rows(160),
        intent_rows(20, seed=2),
        model="local:tiny",
        learning_rate=0.01,
        epochs=3,
        fine_tuning=fine_tuning,
    )
    predictor = tiny_qwen.predictor(tiny_qwen.train(request))
    test = intent_rows(60, seed=3)
    predictions = predictor.predict(test)
    right = sum(prediction.text == row["label"] for prediction, row in zip(predictions, test, strict=True))
    assert right >= 50
    assert predictor.labels == ("card lost", "change address", "refund status", "transfer late")
    assert predictions[0].probabilities is not None
    assert predictions[0].probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_a_paused_lora_training_resumes_bit_identically(
    tiny_qwen: Jobs, order_after: Callable[[int, str], Callable[[], str | None]]
) -> None:
    options: dict[str, Any] = {"model": "local:tiny", "epochs": 2, "fine_tuning": "lora", "learning_rate": 0.01}
    whole = tiny_qwen.train(tiny_qwen.request(intent_rows(48), **options))
    paused = tiny_qwen.request(intent_rows(48), segment=1, **options)
    context = tiny_qwen.context(paused)
    context.recorder.order = order_after(6, "pause")
    with pytest.raises(JobInterrupted) as interruption:
        run(context, paused)
    assert interruption.value.result is not None
    checkpoint = ObjectRef.model_validate(interruption.value.result["checkpoint"])
    resumed = tiny_qwen.train(tiny_qwen.request(intent_rows(48), segment=2, resume_from=checkpoint, **options))
    assert resumed.weights_sha256 == whole.weights_sha256
    assert resumed.loss_curve == whole.loss_curve


def test_a_missing_local_folder_and_one_outside_the_models_folder_are_unknown(tiny_qwen: Jobs, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "config.json").write_text("{}")
    for name in ("local:absent", "local:../outside"):
        with pytest.raises(ModelUnknown, match="WLOPS_MODELS_DIR"):
            tiny_qwen.train(tiny_qwen.request(intent_rows(9), model=name))


def test_weights_that_are_not_safetensors_are_refused(tiny_qwen: Jobs, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "tiny"
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="safetensors"):
        tiny_qwen.train(tiny_qwen.request(intent_rows(9), model="local:tiny"))
