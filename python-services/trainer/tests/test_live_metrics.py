"""The step file can be read from the bucket while the training runs."""

from __future__ import annotations

import json

import pytest

from trainer.job import run
from trainer.loop import Training
from trainer.step import Step
from trainer.tests.support import Jobs, intent_rows
from wlops_common.contracts import ObjectRef
from wlops_common.errors import ResourceExhausted, StorageUnavailable, TrainingDiverged
from wlops_common.manifest import read_manifest
from wlops_common.testing import DirectoryObjectStore

KEY = "models/task_1/0/s0/attempt-1/metrics.jsonl"


def test_the_bucket_holds_the_steps_so_far_while_the_training_runs(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.live_metrics._EVERY_SECONDS", 0.0)
    monkeypatch.setattr("trainer.live_metrics._MOST_SHARE", 1e9)
    request = jobs.request(intent_rows(80), epochs=2, batch_size=8)
    context = jobs.context(request)
    seen: list[list[int]] = []

    def look() -> None:
        data = jobs.store.get(KEY) or b""
        seen.append([line["step"] for line in map(json.loads, data.splitlines()) if "loss" in line])

    context.recorder.order = look
    result = run(context, request)
    assert list(range(1, 8)) in seen
    manifest = read_manifest(jobs.store, result.model)
    assert jobs.store.read(manifest.file("metrics.jsonl")).startswith(jobs.store.get(KEY) or b"?")


@pytest.mark.parametrize(
    ("at_step", "fails_with"),
    [(5, TrainingDiverged), (5, ResourceExhausted), (5, ZeroDivisionError), (1, TrainingDiverged)],
)
def test_a_training_that_fails_before_the_time_has_come_leaves_its_steps(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, at_step: int, fails_with: type[Exception]
) -> None:
    take = Training._take

    def fail_at_that_step(training: Training, rows: list[int]) -> Step:
        if training.position.step + 1 == at_step:
            raise fails_with("That is the end.")
        return take(training, rows)

    monkeypatch.setattr(Training, "_take", fail_at_that_step)
    with pytest.raises(fails_with):
        jobs.train(jobs.request(intent_rows(80), epochs=2, batch_size=8))
    left = jobs.store.get(KEY)
    assert left is not None
    assert [json.loads(line)["step"] for line in left.splitlines()] == list(range(1, at_step))


def test_a_bucket_that_does_not_take_it_costs_a_line_of_the_log(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.live_metrics._EVERY_SECONDS", 0.0)
    upload = DirectoryObjectStore.upload

    def unavailable_for_the_step_file(store: DirectoryObjectStore, key: str, path: object) -> ObjectRef:
        if key == KEY:
            raise StorageUnavailable("The object store does not answer.")
        return upload(store, key, path)  # type: ignore[arg-type]

    monkeypatch.setattr(DirectoryObjectStore, "upload", unavailable_for_the_step_file)
    request = jobs.request(intent_rows(40), epochs=1, batch_size=8)
    context = jobs.context(request)
    assert run(context, request).steps == 5
    assert "step file not uploaded" in [line["message"] for line in context.recorder.log]
