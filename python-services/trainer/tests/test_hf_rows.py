"""How a pretrained model reads rows: by its chat template, with a loss on the answer alone, in any batch the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from trainer.tests.support import Jobs, intent_rows
from trainer.tests.tiny_qwen import CAPITALS, capital_rows
from wlops_common.errors import ModelUnavailable
from wlops_ml.models.catalog import complete_hyperparameters, resolve_model
from wlops_ml.models.hf import load_tokenizer, prompt_tokens
from wlops_ml.models.hf_learner import HfLearner
from wlops_ml.models.padding import padded

# PEFT 0.21 still asks by the old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


def learner(jobs: Jobs, rows: list[dict[str, str]], task_type: Any = "generation", **given: Any) -> HfLearner:
    model = resolve_model("local:tiny", models_dir=jobs.models_dir, offline=True)
    settings = complete_hyperparameters("local:tiny", task_type, given)
    return HfLearner(model, task_type, rows, [], settings, offline=True)


def tokenizer_of(jobs: Jobs) -> Any:
    assert jobs.models_dir is not None
    return load_tokenizer(str(jobs.models_dir / "tiny"), offline=True)


def test_a_prompt_is_put_into_the_chat_template_where_there_is_one(tiny_qwen: Jobs) -> None:
    tokenizer = tokenizer_of(tiny_qwen)
    written = tokenizer.decode(prompt_tokens(tokenizer, "Capital of Peru?", 512))
    assert written == "<|im_start|>user\nCapital of Peru?<|im_end|>\n<|im_start|>assistant\n"
    tokenizer.chat_template = None
    assert tokenizer.decode(prompt_tokens(tokenizer, "Capital of Peru?", 512)) == "Capital of Peru?\n"


def test_a_template_that_can_think_aloud_is_asked_not_to(tiny_qwen: Jobs) -> None:
    tokenizer = tokenizer_of(tiny_qwen)
    tokenizer.chat_template = "{{ messages[0].content }}{% if enable_thinking is false %} /no_think{% endif %}"
    assert tokenizer.decode(prompt_tokens(tokenizer, "Capital of Peru?", 512)) == "Capital of Peru? /no_think"


def test_a_long_prompt_loses_its_beginning_and_keeps_room_for_the_answer(tiny_qwen: Jobs) -> None:
    row = {"prompt": "What is the capital of Peru? " * 50, "completion": "Lima"}
    (tokens, answer) = learner(tiny_qwen, [row], max_length=32)._examples["train"][0]
    assert len(tokens) == 32
    assert tokens[-len(answer) :] == answer
    assert tokenizer_of(tiny_qwen).decode(answer) == "Lima<|im_end|>"


def test_the_loss_is_the_cross_entropy_of_the_answer_tokens_alone(tiny_qwen: Jobs) -> None:
    one = learner(tiny_qwen, capital_rows(1))
    one.module.eval()
    tokens, answer = one._examples["train"][0]
    logits = one.module(input_ids=torch.tensor([tokens])).logits[0].detach()
    first = len(tokens) - len(answer)
    by_hand = sum(
        float(functional.cross_entropy(logits[first - 1 + place], torch.tensor(token)))
        for place, token in enumerate(answer)
    )
    loss = one.loss([0], "train")
    assert loss.units == len(answer)
    assert float(loss.total.detach()) == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("task_type", ["classification", "generation"])
def test_padding_changes_neither_loss_nor_units(tiny_qwen: Jobs, task_type: str) -> None:
    rows = [{"prompt": f"Say {'very ' * n}much", "completion": "yes " * (6 - n)} for n in range(6)]
    texts = [{"text": "card " * (1 + n), "label": "ab"[n % 2]} for n in range(6)]
    made = learner(tiny_qwen, texts if task_type == "classification" else rows, task_type)
    made.module.eval()
    with torch.inference_mode():
        together = made.loss(range(6), "train")
        alone = [made.loss([row], "train") for row in range(6)]
    assert together.units == sum(loss.units for loss in alone) == made.units(range(6), "train")
    assert float(together.total) == pytest.approx(sum(float(loss.total) for loss in alone), rel=1e-5)


def test_answers_are_written_behind_padding_on_the_left_and_are_the_same_in_any_batch(tiny_qwen: Jobs) -> None:
    tokens, mask = padded([[5, 6], [7]], 0, left=True)
    assert (tokens.tolist(), mask.tolist()) == ([[5, 6], [0, 7]], [[1, 1], [0, 1]])
    request = tiny_qwen.request(
        capital_rows(6), model="local:tiny", task_type="generation", learning_rate=0.005, epochs=6, max_new_tokens=12
    )
    predictor = tiny_qwen.predictor(tiny_qwen.train(request))
    rows = [{"prompt": f"{'Well. ' * n}What is the capital of {name}?"} for n, name in enumerate(CAPITALS)]
    together = predictor.predict(rows)
    alone = [predictor.predict([row])[0] for row in rows]
    assert [prediction.text for prediction in together] == [prediction.text for prediction in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.confidence == pytest.approx(other.confidence, rel=1e-4)


@pytest.mark.parametrize("task_type", ["classification", "generation"])
def test_mixed_precision_freezes_adapted_models_in_bfloat16_and_trains_in_32_bits(
    tiny_qwen: Jobs, monkeypatch: pytest.MonkeyPatch, task_type: str
) -> None:
    monkeypatch.setattr("wlops_ml.models.hf_learner.computes_bfloat16", lambda: True)
    rows = intent_rows(20) if task_type == "classification" else capital_rows(2)
    for mixed, frozen in ((True, torch.bfloat16), (False, torch.float32)):
        made = learner(tiny_qwen, rows, task_type, fine_tuning="lora", mixed_precision=mixed)
        parameters = list(made.module.parameters())
        assert {parameter.dtype for parameter in parameters if parameter.requires_grad} == {torch.float32}
        assert {parameter.dtype for parameter in parameters if not parameter.requires_grad} == {frozen}
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mixed):
            loss = made.loss(range(8), "train")
        (loss.total / loss.units).backward()  # type: ignore[no-untyped-call]
        gradients = [parameter.grad for parameter in parameters if parameter.requires_grad]
        assert all(gradient is not None and bool(gradient.isfinite().all()) for gradient in gradients)


def test_a_tokenizer_without_padding_uses_another_token_and_one_without_an_end_cannot_answer(
    tiny_qwen: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    real = AutoTokenizer.from_pretrained

    def keep_only(*names: str) -> None:
        def without(*places: Any, **options: Any) -> Any:
            tokenizer = real(*places, **options)
            for name in {"pad_token", "eos_token", "unk_token"} - set(names):
                setattr(tokenizer, name, None)
            return tokenizer

        monkeypatch.setattr(AutoTokenizer, "from_pretrained", without)

    keep_only("eos_token")
    assert tokenizer_of(tiny_qwen).pad_token == "<|im_end|>"
    keep_only("pad_token")
    assert learner(tiny_qwen, intent_rows(20), "classification").sizes["train"] == 20
    with pytest.raises(ModelUnavailable, match="no token for the end of a text"):
        learner(tiny_qwen, capital_rows(1))
    keep_only()
    with pytest.raises(ModelUnavailable, match="no token to pad with"):
        tokenizer_of(tiny_qwen)


def test_code_that_comes_with_a_model_is_not_run(tiny_qwen: Jobs, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "tiny"
    (folder / "modeling_evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    config = (folder / "config.json").read_text()
    config = config.replace('"model_type": "qwen2"', '"model_type": "evil"').replace(
        "{", '{"auto_map": {"AutoConfig": "modeling_evil.C", "AutoModelForCausalLM": "modeling_evil.M"},', 1
    )
    (folder / "config.json").write_text(config)
    with pytest.raises(ModelUnavailable):
        learner(tiny_qwen, capital_rows(1))
    assert not (tmp_path / "ran").exists()
