"""How likely finished models find given completions, against a loop over rows and tokens."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from trainer.tests.support import Jobs, Rows
from trainer.tests.tiny_qwen import capital_rows
from wlops_common.errors import ModelTaskMismatch
from wlops_ml.models import hf, tinygpt
from wlops_ml.models.base import WORST_LOSS, Predictor
from wlops_ml.models.hf import HfPredictor, prompt_tokens
from wlops_ml.models.tinygpt import TinyGptPredictor
from wlops_ml.models.tokenizer import END, SEPARATOR, UNKNOWN

# PEFT 0.21 still asks by the old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

#: Of very different lengths, so that a batch needs padding; the model has not met the last word.
ASKED = [
    {"prompt": f"{'Well. ' * number}What is the capital of {country}?", "completion": completion}
    for number, (country, completion) in enumerate(
        [("Peru", "Lima"), ("Japan", "It is Tokyo Tokyo Tokyo ."), ("Cuba", "Rome"), ("Kenya", ""), ("Italy", "Osaka")]
    )
]
_KNOWN_ANSWERS = ["Lima .", "Tokyo . . . . .", "", "Rome", "Paris . ."]


def trained(jobs: Jobs, model: str, rows: Rows | None = None, **given: Any) -> Predictor:
    taught = [{**row, "completion": f"{row['completion']} ."} for row in rows or capital_rows(12)]
    return jobs.predictor(jobs.train(jobs.request(taught, model=model, task_type="generation", epochs=3, **given)))


def tiny_gpt(jobs: Jobs, **given: Any) -> TinyGptPredictor:
    predictor = trained(jobs, "builtin:tinygpt", hidden_size=32, layers=2, heads=2, **given)
    assert isinstance(predictor, TinyGptPredictor)
    return predictor


def by_hand(answer: list[int], logits: torch.Tensor, before: int) -> float:
    """Mean over the answer of what ``logits``, of the whole row, say of each token from the place before it."""
    nats = [
        float(functional.cross_entropy(logits[before + place], torch.tensor(token)))
        for place, token in enumerate(answer)
    ]
    return sum(nats) / len(nats)


def test_a_small_language_models_losses_are_the_cross_entropies_of_its_answer_tokens(jobs: Jobs) -> None:
    predictor = tiny_gpt(jobs)
    asked = [{**row, "completion": completion} for row, completion in zip(ASKED, _KNOWN_ANSWERS, strict=True)]
    for row, loss in zip(asked, predictor.completion_losses(asked), strict=True):
        prompt, memory = predictor._tokenizer.encode_prompt(row["prompt"])
        answer = [*predictor._tokenizer.encode_answer(row["completion"], memory), END]
        assert UNKNOWN not in answer
        with torch.inference_mode():
            module = predictor._module
            logits = module.logits(module(torch.tensor([[*prompt, SEPARATOR, *answer]])))[0]
        assert loss == pytest.approx(by_hand(answer, logits, len(prompt)), rel=1e-5)


def test_a_word_the_model_has_no_token_for_costs_the_most_a_token_can(jobs: Jobs) -> None:
    predictor = tiny_gpt(jobs)
    unknown = predictor._tokenizer.encode_answer("Osaka", predictor._tokenizer.encode_prompt("Well?")[1])
    assert unknown == [UNKNOWN]
    (loss,) = predictor.completion_losses([{"prompt": "Well?", "completion": "Osaka"}])
    assert WORST_LOSS / 2 < loss < WORST_LOSS


@pytest.mark.parametrize("fine_tuning", ["full", "lora"])
def test_a_pretrained_models_losses_are_the_cross_entropies_of_its_answer_tokens(
    tiny_qwen: Jobs, fine_tuning: str
) -> None:
    predictor = trained(tiny_qwen, "local:tiny", fine_tuning=fine_tuning, learning_rate=0.003)
    assert isinstance(predictor, HfPredictor)
    tokenizer = predictor._tokenizer
    for row, loss in zip(ASKED, predictor.completion_losses(ASKED), strict=True):
        prompt = prompt_tokens(tokenizer, row["prompt"], 512)
        answer = [*tokenizer(row["completion"], add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        with torch.inference_mode():
            logits = predictor._network(input_ids=torch.tensor([[*prompt, *answer]])).logits[0]
        assert loss == pytest.approx(by_hand(answer, logits, len(prompt) - 1), rel=1e-4)


@pytest.mark.parametrize("model", ["builtin:tinygpt", "local:tiny"])
def test_neither_the_batch_nor_the_order_changes_a_loss(
    tiny_qwen: Jobs, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    predictor = trained(tiny_qwen, model)
    together = predictor.completion_losses(ASKED)
    assert together == pytest.approx(predictor.completion_losses(ASKED[::-1])[::-1], rel=1e-5)
    for module in (tinygpt, hf):
        monkeypatch.setattr(module, "_LOSS_BATCH_TOKENS", 1)
    checks: list[int] = []
    assert together == pytest.approx(predictor.completion_losses(ASKED, check=lambda: checks.append(1)), rel=1e-5)
    assert len(checks) == len(ASKED)


@pytest.mark.parametrize("model", ["builtin:tinygpt", "local:tiny"])
def test_long_rows_keep_the_end_of_the_prompt_and_the_beginning_of_the_answer(tiny_qwen: Jobs, model: str) -> None:
    predictor = trained(tiny_qwen, model, max_length=32)
    prompt, completion = "What is the capital of Peru? " * 10, f"Lima{' .' * 40}"
    ends = [f"{prompt}{'Peru ' * 30}", f"{prompt}{'Cuba ' * 30}"]
    long, longer, other = predictor.completion_losses(
        [
            {"prompt": f"{'Well. ' * 100}{ends[0]}", "completion": completion},
            {"prompt": f"{'Well. ' * 200}{ends[0]}", "completion": f"{completion} . ."},
            {"prompt": f"{'Well. ' * 100}{ends[1]}", "completion": completion},
        ]
    )
    assert long == pytest.approx(longer, rel=1e-5)
    assert long != pytest.approx(other, rel=1e-3)


def test_what_trained_on_it_makes_a_completion_likelier(tiny_qwen: Jobs) -> None:
    rows = [{**row, "completion": f"{row['completion']} ."} for row in capital_rows(1)]
    little = trained(tiny_qwen, "local:tiny", capital_rows(1), learning_rate=1e-6)
    much = trained(tiny_qwen, "local:tiny", capital_rows(12), learning_rate=0.005, segment=1)
    assert much.completion_losses(rows).mean() < little.completion_losses(rows).mean()


def test_a_classifier_is_not_asked(jobs: Jobs) -> None:
    rows = [{"text": f"{label} {number}", "label": label} for label in "ab" for number in range(12)]
    with pytest.raises(ModelTaskMismatch, match="classification"):
        jobs.predictor(jobs.train(jobs.request(rows))).completion_losses(ASKED)
