"""A training that was interrupted ends with the same weights as one that was not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainer.checkpoint import Checkpoints
from trainer.job import run
from trainer.tests.support import INTENTS, Jobs, intent_rows, pause, without_times
from wlops_common.contracts import TrainRequest
from wlops_common.errors import ArtifactChanged
from wlops_common.job_context import JobInterrupted

OrderAfter = Callable[[int, str], Callable[[], str | None]]
SETTINGS: dict[str, Any] = {"epochs": 3, "batch_size": 16, "hidden_size": 16, "early_stopping_patience": 9}


def request_for(jobs: Jobs, **options: Any) -> TrainRequest:
    return jobs.request(intent_rows(160), intent_rows(40, seed=2), **SETTINGS, **options)


@pytest.mark.parametrize("steps_before", [1, 9, 10, 11, 29])
def test_a_paused_training_resumed_in_a_new_segment_ends_with_identical_weights_and_figures(
    jobs: Jobs, tmp_path: Path, order_after: OrderAfter, steps_before: int
) -> None:
    whole = Jobs(tmp_path / "whole")
    expected = whole.train(request_for(whole))
    first = request_for(jobs)
    # The job looks twice before its first step, and before each of the three batches of mine as well.
    checkpoint = pause(jobs, first, order_after(steps_before + 1 + 3 * (steps_before // 10), "pause"))
    assert f"checkpoint-{steps_before}/" in checkpoint.key
    result = jobs.train(request_for(jobs, segment=1, resume_from=checkpoint))
    assert without_times(result) == without_times(expected)


def test_the_best_weights_so_far_outlive_a_pause(jobs: Jobs, tmp_path: Path, order_after: OrderAfter) -> None:
    def request(jobs: Jobs, **options: Any) -> TrainRequest:
        # Labels that have nothing to do with the texts: the loss on them is at its lowest early.
        labels = sorted(INTENTS)
        mine = [{**row, "label": labels[at % len(labels)]} for at, row in enumerate(intent_rows(40, seed=2))]
        return jobs.request(intent_rows(160), mine, **(SETTINGS | {"epochs": 5, "learning_rate": 0.01}), **options)

    whole = Jobs(tmp_path / "whole")
    expected = whole.train(request(whole))
    assert expected.mine_loss is not None
    checkpoint = pause(jobs, request(jobs), order_after(32 + 3 * 3, "pause"))
    assert (jobs.store.root / checkpoint.key).with_name("best.safetensors").exists()
    assert json.loads((jobs.store.root / checkpoint.key).with_name("trainer_state.json").read_text())["position"][
        "epochs_without_gain"
    ]
    result = jobs.train(request(jobs, segment=1, resume_from=checkpoint))
    assert without_times(result) == without_times(expected)


def test_a_restarted_attempt_continues_from_the_last_checkpoint_that_verifies(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Jobs(tmp_path / "whole")
    expected = whole.train(request_for(whole))
    request = request_for(jobs)
    save_if_due = Checkpoints.save_if_due

    def die_at_step_23(checkpoints: Checkpoints, training: object) -> None:
        step = training.position.step  # type: ignore[attr-defined]
        if step in (7, 14, 21):
            checkpoints.save(training)  # type: ignore[arg-type]
        if step == 23:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save_if_due", die_at_step_23)
    with pytest.raises(KeyboardInterrupt):
        run(jobs.context(request), request)
    monkeypatch.setattr(Checkpoints, "save_if_due", save_if_due)
    prefix = "models/task_1/0/s0/attempt-1/"
    assert [key for key in jobs.stored_keys() if key.endswith("manifest.json")] == [
        f"{prefix}checkpoint-14/manifest.json",
        f"{prefix}checkpoint-21/manifest.json",
    ]
    damaged = jobs.store.root / prefix / "checkpoint-21" / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    context = jobs.context(request, attempt=2)
    result = run(context, request)
    messages = [line["message"] for line in context.recorder.log]
    assert "checkpoint skipped" in messages
    assert next(line["step"] for line in context.recorder.log if line["message"] == "training continues") == 14
    assert without_times(result) == without_times(expected)


def test_a_checkpoint_of_another_training_is_refused(jobs: Jobs, order_after: OrderAfter) -> None:
    checkpoint = pause(jobs, request_for(jobs), order_after(5, "pause"))
    other = jobs.request(intent_rows(80, seed=5), segment=1, resume_from=checkpoint, **SETTINGS)
    with pytest.raises(ArtifactChanged, match="other rows"):
        jobs.train(other)


def test_a_damaged_resume_checkpoint_is_named(jobs: Jobs, order_after: OrderAfter) -> None:
    checkpoint = pause(jobs, request_for(jobs), order_after(5, "pause"))
    state = (jobs.store.root / checkpoint.key).with_name("trainer_state.json")
    state.write_text(json.dumps({"position": {"step": 1}}))
    with pytest.raises(ArtifactChanged, match=r"trainer_state\.json"):
        jobs.train(request_for(jobs, segment=1, resume_from=checkpoint))


def test_a_cancelled_training_leaves_no_checkpoint_and_no_manifest(jobs: Jobs, order_after: OrderAfter) -> None:
    request = request_for(jobs)
    context = jobs.context(request)
    context.recorder.order = order_after(6, "cancel")
    with pytest.raises(JobInterrupted, match="cancel"):
        run(context, request)
    assert not [key for key in jobs.stored_keys() if key.startswith("models/")]
