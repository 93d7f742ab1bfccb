"""Memory that runs out in a step costs half the batch once, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch

from trainer.job import run
from trainer.memory import memory_advice
from trainer.tests.support import Jobs, intent_rows, pause
from wlops_common.errors import ResourceExhausted
from wlops_common.jobs.memory import is_out_of_memory
from wlops_common.manifest import read_manifest
from wlops_ml.models.catalog import complete_hyperparameters
from wlops_ml.models.classifier import ClassifierLearner
from wlops_ml.models.learner import LossSum

SETTINGS: dict[str, Any] = {"epochs": 2, "hidden_size": 16}


def real_refusal() -> None:
    torch.empty(1 << 60, dtype=torch.uint8)


def python_refusal() -> None:
    raise MemoryError


def gpu_refusal() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def limit(
    monkeypatch: pytest.MonkeyPatch, rows: int, *, from_call: int = 1, refuse: Callable[[], None] = gpu_refusal
) -> None:
    """From a call on, let batches of more rows than these run out of memory, after their gradients were half made."""
    loss, calls = ClassifierLearner.loss, iter(range(1, 10_000))

    def limited(learner: ClassifierLearner, indices: list[int], role: str) -> LossSum:
        given = loss(learner, indices, role)  # type: ignore[arg-type]
        if next(calls) >= from_call and len(indices) > rows:
            given.total.backward()  # type: ignore[no-untyped-call]
            refuse()
        return given

    monkeypatch.setattr(ClassifierLearner, "loss", limited)


@pytest.mark.parametrize("refuse", [real_refusal, python_refusal, gpu_refusal])
def test_the_step_is_repeated_with_half_the_batch_and_ends_as_if_it_had_been_asked_for(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, refuse: Callable[[], None]
) -> None:
    asked = jobs.train(
        jobs.request(intent_rows(100), batch_size=8, gradient_accumulation_steps=2, segment=1, **SETTINGS)
    )
    limit(monkeypatch, 8, refuse=refuse)
    request = jobs.request(intent_rows(100), batch_size=16, **SETTINGS)
    context = jobs.context(request)
    result = run(context, request)
    assert result.weights_sha256 == asked.weights_sha256
    assert (result.batch_size, result.accumulation, result.out_of_memory_retries) == (8, 2, 1)
    assert (asked.batch_size, asked.accumulation, asked.out_of_memory_retries) == (8, 2, 0)
    told = {"step": 1, "batchSize": 8, "accumulation": 2}
    logged = [line for line in context.recorder.log if line["message"].startswith("memory ran out")]
    assert len(logged) == 1
    assert told.items() <= logged[0].items()
    metrics = jobs.store.read(read_manifest(jobs.store, result.model).file("metrics.jsonl")).splitlines()
    assert json.loads(metrics[0]) == {"event": "out of memory", **told}


def test_it_goes_on_from_the_state_before_that_step(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = jobs.train(jobs.request(intent_rows(100), batch_size=16, dropout=0, segment=1, **SETTINGS))
    limit(monkeypatch, 8, from_call=5)
    result = jobs.train(jobs.request(intent_rows(100), batch_size=16, dropout=0, **SETTINGS))
    assert result.steps == whole.steps
    before, after = whole.loss_curve[:4], whole.loss_curve[4:]
    assert result.loss_curve[:4] == before
    assert [loss for _, loss in result.loss_curve[4:]] == pytest.approx([loss for _, loss in after], rel=1e-4)


def test_an_odd_batch_keeps_the_rows_of_a_step(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, 4)
    result = jobs.train(jobs.request(intent_rows(70), batch_size=7, **SETTINGS))
    assert (result.batch_size, result.accumulation, result.steps) == (4, 2, 20)


def test_the_smaller_batch_outlives_a_pause(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, order_after: Callable[[int, str], Callable[[], str | None]]
) -> None:
    limit(monkeypatch, 8)
    expected = jobs.train(jobs.request(intent_rows(100), batch_size=16, segment=1, **SETTINGS))
    request = jobs.request(intent_rows(100), batch_size=16, segment=2, **SETTINGS)
    checkpoint = pause(jobs, request, order_after(6, "pause"))
    resumed = jobs.train(jobs.request(intent_rows(100), batch_size=16, segment=3, resume_from=checkpoint, **SETTINGS))
    assert resumed.weights_sha256 == expected.weights_sha256
    assert (resumed.batch_size, resumed.out_of_memory_retries) == (8, 1)


def test_the_second_time_it_fails_and_says_what_to_change(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, 4)
    with pytest.raises(ResourceExhausted) as fault:
        jobs.train(jobs.request(intent_rows(100), batch_size=16, **SETTINGS))
    assert fault.value.message.startswith(
        "Memory ran out at step 1 with 8 rows a batch, as it had with 16. What helps: "
    )
    assert fault.value.details == {
        "field": "hyperparameters.batch_size",
        "step": 1,
        "batchSize": 8,
        "accumulation": 2,
    }


def test_a_single_row_cannot_be_halved(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, 0)
    with pytest.raises(ResourceExhausted, match=r"with 1 rows a batch\. What helps"):
        jobs.train(jobs.request(intent_rows(20), batch_size=1, **SETTINGS))


def test_after_the_system_killed_an_attempt_for_memory_the_next_one_takes_half_the_batch(jobs: Jobs) -> None:
    request = jobs.request(intent_rows(100), batch_size=16, **SETTINGS)
    result = run(jobs.context(request, attempt=2, memory_ran_out=True), request)
    assert (result.batch_size, result.accumulation, result.out_of_memory_retries) == (8, 2, 1)


def test_another_fault_of_a_step_is_not_taken_for_memory(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    limit(monkeypatch, 8, refuse=broken)
    with pytest.raises(RuntimeError, match="mat1"):
        jobs.train(jobs.request(intent_rows(100), batch_size=16, **SETTINGS))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert is_out_of_memory(RuntimeError("CUDA error: out of memory"))


@pytest.mark.parametrize(
    ("place", "doing", "field"),
    [
        ("trainer.data.from_parquet", "reading the rows and preparing the model", "modelName"),
        ("wlops_ml.models.classifier.nn.EmbeddingBag", "reading the rows and preparing the model", "modelName"),
        ("trainer.checkpoint_files.load_weights", "reading the checkpoint", "modelName"),
        ("trainer.loop.mean_loss", "training", "hyperparameters.batch_size"),
        ("trainer.loop.copy_of_weights", "training", "hyperparameters.batch_size"),
        ("trainer.loop.restore_weights", "training", "hyperparameters.batch_size"),
        ("wlops_ml.models.classifier.save_weights", "saving the model", "modelName"),
    ],
)
@pytest.mark.parametrize("refuse", [real_refusal, python_refusal, gpu_refusal])
def test_outside_of_a_step_it_fails_and_says_what_to_change(
    jobs: Jobs,
    monkeypatch: pytest.MonkeyPatch,
    order_after: Callable[[int, str], Callable[[], str | None]],
    place: str,
    doing: str,
    field: str,
    refuse: Callable[[], None],
) -> None:
    settings = SETTINGS | {"early_stopping_patience": 1}
    request = jobs.request(intent_rows(40), intent_rows(10), **settings)
    paused_at = pause(jobs, request, order_after(3, "pause"))
    monkeypatch.setattr(place, lambda *_, **__: refuse())
    with pytest.raises(ResourceExhausted) as fault:
        jobs.train(jobs.request(intent_rows(40), intent_rows(10), segment=1, resume_from=paused_at, **settings))
    assert fault.value.message.startswith(f"Memory ran out while {doing}. What helps: ")
    assert ("a smaller batch_size" in fault.value.message) is (doing == "training")
    assert fault.value.details == {"field": field}


def test_a_checkpoint_that_cannot_be_written_for_memory_fails_and_says_what_to_change(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, order_after: Callable[[int, str], Callable[[], str | None]]
) -> None:
    monkeypatch.setattr("trainer.checkpoint_files.save_weights", lambda *_: real_refusal())
    request = jobs.request(intent_rows(40), **SETTINGS)
    context = jobs.context(request)
    context.recorder.order = order_after(3, "pause")
    with pytest.raises(ResourceExhausted, match=r"^Memory ran out while training\. What helps: a smaller batch_size"):
        run(context, request)


def test_after_the_system_killed_an_attempt_with_single_rows_it_fails_and_says_what_to_change(jobs: Jobs) -> None:
    request = jobs.request(intent_rows(20), batch_size=1, **SETTINGS)
    with pytest.raises(ResourceExhausted, match=r"with 1 rows a batch\. What helps: "):
        run(jobs.context(request, attempt=2, memory_ran_out=True), request)


def test_the_advice_names_only_what_the_model_has_and_what_is_not_done_yet() -> None:
    hub = complete_hyperparameters("qwen-7b", "generation", {})
    assert memory_advice(hub, in_batches=True) == (
        "What helps: a smaller batch_size (gradient_accumulation_steps makes up for it), a smaller max_length, "
        "gradient_checkpointing: true, fine_tuning: lora, a smaller model, or a machine with more memory."
    )
    spared = memory_advice(hub | {"gradient_checkpointing": True, "fine_tuning": "lora"}, in_batches=True)
    assert "gradient_checkpointing" not in spared
    assert "lora" not in spared
    classifier = complete_hyperparameters("builtin:classifier", "classification", {})
    assert memory_advice(classifier, in_batches=False) == (
        "What helps: fewer max_features, a smaller hidden_size, a smaller model, or a machine with more memory."
    )


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize(("full_up_to", "is_advised"), [(10**9, True), (1, False)])
def test_the_advice_knows_what_the_model_chose_where_the_user_left_it_open(
    tiny_qwen: Jobs, monkeypatch: pytest.MonkeyPatch, full_up_to: int, is_advised: bool
) -> None:
    monkeypatch.setattr("wlops_ml.models.hf_learner._FULL_PARAMETER_LIMIT", full_up_to)
    monkeypatch.setattr("trainer.loop.mean_loss", lambda *_, **__: real_refusal())
    with pytest.raises(ResourceExhausted) as fault:
        tiny_qwen.train(tiny_qwen.request(intent_rows(20), intent_rows(8), model="local:tiny", epochs=1))
    assert ("fine_tuning: lora" in fault.value.message) is is_advised
