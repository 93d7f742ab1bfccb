"""Pretrained models on a tiny random Qwen2 whose tokenizer is trained on the rows: full and LoRA, offline, saved and read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trainer.tests.support import Jobs, intent_rows, pause
from trainer.tests.tiny_qwen import CAPITALS, capital_rows
from wlops_common.contracts import ObjectRef, TaskType, TrainRequest
from wlops_common.errors import ModelUnavailable, ModelUnknown
from wlops_common.manifest import read_manifest

# PEFT 0.21 still asks by the old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


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


@pytest.mark.parametrize("fine_tuning", ["full", "lora"])
@pytest.mark.parametrize("task_type", ["classification", "generation"])
def test_a_paused_training_resumes_bit_identically(
    tiny_qwen: Jobs,
    order_after: Callable[[int, str], Callable[[], str | None]],
    task_type: TaskType,
    fine_tuning: str,
) -> None:
    rows = intent_rows(48) if task_type == "classification" else capital_rows(8)
    mine = intent_rows(8, seed=2) if task_type == "classification" else capital_rows(1)

    def request(segment: int, checkpoint: ObjectRef | None = None) -> TrainRequest:
        options: dict[str, Any] = {"model": "local:tiny", "epochs": 2, "learning_rate": 0.01}
        return tiny_qwen.request(
            rows, mine, task_type=task_type, segment=segment, resume_from=checkpoint, fine_tuning=fine_tuning, **options
        )

    whole = tiny_qwen.train(request(0))
    checkpoint = pause(tiny_qwen, request(1), order_after(6, "pause"))
    resumed = tiny_qwen.train(request(2, checkpoint))
    assert resumed.weights_sha256 == whole.weights_sha256
    assert resumed.loss_curve == whole.loss_curve
    assert resumed.mine_loss == whole.mine_loss
    predictions = tiny_qwen.predictor(resumed).predict(rows[:5])
    assert len(predictions) == 5


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
