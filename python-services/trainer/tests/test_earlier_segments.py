"""A training whose job was lost goes on from the newest checkpoint that earlier segments of it have left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainer.checkpoint import Checkpoints
from trainer.job import run
from trainer.loop import Training
from trainer.tests.support import Jobs, intent_rows, pause, without_times
from wlops_common.contracts import ObjectRef, TrainRequest, TrainResult
from wlops_common.job_context import JobInterrupted
from wlops_common.testing import RecordingJobContext

SETTINGS: dict[str, Any] = {"epochs": 3, "batch_size": 16, "hidden_size": 16}
OrderAfter = Callable[[int, str], Callable[[], str | None]]


def request_for(jobs: Jobs, segment: int = 0, **options: Any) -> TrainRequest:
    earlier = [f"models/task_1/0/s{number}/" for number in range(segment - 1, -1, -1)]
    request = jobs.request(intent_rows(160), intent_rows(40, seed=2), segment=segment, **(SETTINGS | options))
    return request.model_copy(update={"earlier_prefixes": earlier})


@pytest.fixture
def expected(tmp_path: Path) -> TrainResult:
    """What an undisturbed training ends with."""
    whole = Jobs(tmp_path / "whole")
    return whole.train(request_for(whole))


@pytest.fixture
def die(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``die(request, attempt, at, saving_at)`` runs an attempt that saves after these steps and dies after a later one."""
    save_if_due = Checkpoints.save_if_due

    def until(request: TrainRequest, attempt: int, at: int, saving_at: tuple[int, ...], *, sound: bool = True) -> None:
        def save_or_die(checkpoints: Checkpoints, training: Training) -> None:
            if training.position.step in saving_at:
                checkpoints._save(training, is_sound=sound)
            if training.position.step == at:
                raise KeyboardInterrupt

        monkeypatch.setattr(Checkpoints, "save_if_due", save_or_die)
        with pytest.raises(KeyboardInterrupt):
            run(jobs.context(request, attempt=attempt), request)
        monkeypatch.setattr(Checkpoints, "save_if_due", save_if_due)

    return until


def started_at(context: RecordingJobContext) -> tuple[int, str] | None:
    """The step and checkpoint a training went on from."""
    return next(
        (
            (line["step"], line["checkpoint"])
            for line in context.recorder.log
            if line["message"] == "training continues"
        ),
        None,
    )


def go_on(jobs: Jobs, request: TrainRequest) -> tuple[TrainResult, tuple[int, str] | None, list[str]]:
    context = jobs.context(request)
    result = run(context, request)
    return result, started_at(context), [line["message"] for line in context.recorder.log]


def test_the_newest_attempt_of_the_newest_segment_that_saved_is_continued(
    jobs: Jobs, die: Callable[..., None], expected: TrainResult
) -> None:
    die(request_for(jobs), 1, 9, (4, 8))
    # Attempts 2 and 3 die before they save anything; segment 1 never began.
    die(request_for(jobs), 4, 16, (12, 14))
    result, start, _ = go_on(jobs, request_for(jobs, segment=2))
    assert start == (14, "models/task_1/0/s0/attempt-4/checkpoint-14/manifest.json")
    assert without_times(result) == without_times(expected)


def test_a_newer_segment_comes_before_an_older_one_that_got_further(
    jobs: Jobs, die: Callable[..., None], expected: TrainResult
) -> None:
    die(request_for(jobs), 1, 21, (20,))
    other = request_for(jobs, segment=1).model_copy(update={"earlier_prefixes": []})
    die(other, 1, 6, (5,))
    result, start, _ = go_on(jobs, request_for(jobs, segment=2))
    assert start == (5, "models/task_1/0/s1/attempt-1/checkpoint-5/manifest.json")
    assert without_times(result) == without_times(expected)


def test_the_checkpoint_that_is_given_is_continued_though_its_segment_is_not_named_any_more(
    jobs: Jobs, die: Callable[..., None], expected: TrainResult
) -> None:
    die(request_for(jobs), 1, 9, (8,))
    given = ref_of(jobs, "models/task_1/0/s0/attempt-1/checkpoint-8/manifest.json")
    earlier = [f"models/task_1/0/s{number}/" for number in range(21, 1, -1)]
    request = request_for(jobs, segment=22).model_copy(update={"resume_from": given, "earlier_prefixes": earlier})
    result, start, _ = go_on(jobs, request)
    assert start == (8, given.key)
    assert without_times(result) == without_times(expected)


def test_a_later_attempt_paused_before_it_trains_hands_over_what_is_newest(
    jobs: Jobs, die: Callable[..., None]
) -> None:
    die(request_for(jobs), 1, 9, (4, 8))
    given = ref_of(jobs, "models/task_1/0/s0/attempt-1/checkpoint-8/manifest.json")
    request = request_for(jobs, segment=1).model_copy(update={"resume_from": given})

    def handed_over(attempt: int) -> object:
        context = jobs.context(request, attempt=attempt)
        context.recorder.order = lambda: "pause"
        with pytest.raises(JobInterrupted) as interruption:
            run(context, request)
        return (interruption.value.result or {})["checkpoint"]

    assert handed_over(2) == given.to_json()
    die(request, 2, 13, (12,))
    newest = ref_of(jobs, "models/task_1/0/s1/attempt-2/checkpoint-12/manifest.json")
    assert handed_over(3) == newest.to_json()


def ref_of(jobs: Jobs, key: str) -> ObjectRef:
    return ObjectRef(key=key, sha256=hashlib.sha256((jobs.store.root / key).read_bytes()).hexdigest())


def test_one_that_is_damaged_unsound_or_of_another_training_is_skipped(
    jobs: Jobs, die: Callable[..., None], expected: TrainResult
) -> None:
    die(request_for(jobs), 1, 11, (7, 10))
    die(request_for(jobs, segment=1, epochs=4), 1, 9, (8,))
    die(request_for(jobs, segment=2), 1, 16, (15,), sound=False)
    damaged = jobs.store.root / "models/task_1/0/s0/attempt-1/checkpoint-10/optimizer.safetensors"
    damaged.write_bytes(b"?" + damaged.read_bytes()[1:])
    result, start, messages = go_on(jobs, request_for(jobs, segment=3))
    assert start == (7, "models/task_1/0/s0/attempt-1/checkpoint-7/manifest.json")
    assert messages.count("checkpoint skipped") == 3
    assert without_times(result) == without_times(expected)


def test_without_any_the_training_begins_anew(jobs: Jobs, expected: TrainResult) -> None:
    index = jobs.store.root / "models/task_1/0/s0/attempt-1/checkpoints.json"
    index.parent.mkdir(parents=True)
    index.write_text("no index")
    (jobs.store.root / "models/task_1/0/s0/last-attempt.json").write_text('{"attempt": "many"}')
    result, start, _ = go_on(jobs, request_for(jobs, segment=1))
    assert start is None
    assert without_times(result) == without_times(expected)


def test_a_checkpoint_that_was_asked_for_comes_before_those_that_are_found(
    jobs: Jobs, die: Callable[..., None], order_after: OrderAfter, expected: TrainResult
) -> None:
    checkpoint = pause(jobs, request_for(jobs), order_after(5, "pause"))
    die(request_for(jobs, segment=1), 1, 21, (20,))
    request = request_for(jobs, segment=2).model_copy(update={"resume_from": checkpoint})
    result, start, _ = go_on(jobs, request)
    assert start == (4, checkpoint.key)
    assert without_times(result) == without_times(expected)


def test_a_training_paused_in_each_epoch_whose_process_is_killed_as_well_ends_as_if_nothing_had_been(
    jobs: Jobs, die: Callable[..., None], order_after: OrderAfter, expected: TrainResult
) -> None:
    def paused(segment: int, checkpoint: ObjectRef | None, *, start: int, at: int, attempt: int = 1) -> ObjectRef:
        # The job looks twice before its first step, once after each, and before each of the three batches of mine.
        looks = 2 + (at - 1 - start) + 3 * (at // 10 - start // 10)
        request = request_for(jobs, segment).model_copy(update={"resume_from": checkpoint})
        return pause(jobs, request, order_after(looks, "pause"), attempt)

    first = paused(0, None, start=0, at=1)
    middle = paused(1, first, start=1, at=15)
    die(request_for(jobs, 2).model_copy(update={"resume_from": middle}), 1, 23, (22,))
    last = paused(2, middle, start=22, at=29, attempt=2)
    result, start, _ = go_on(jobs, request_for(jobs, 3).model_copy(update={"resume_from": last}))
    assert start == (29, last.key)
    assert result.resumed_from_step == 29
    assert without_times(result) == without_times(expected)
    assert expected.resumed_from_step is None


def test_a_job_whose_store_was_lost_goes_on_though_its_attempts_are_counted_anew(
    jobs: Jobs, die: Callable[..., None], expected: TrainResult
) -> None:
    request = request_for(jobs)
    die(request, 1, 9, (4, 8))
    die(request, 2, 21, (12, 20))
    # The same key arrives at a store that knows nothing, and dies again where it was.
    die(request, 1, 22, (21,))
    manifest = jobs.store.root / "models/task_1/0/s0/attempt-1/checkpoint-21/manifest.json"
    first = json.loads(manifest.read_text())
    (manifest.parent.parent / "checkpoints.json").unlink()
    die(request, 1, 22, (21,))
    assert json.loads(manifest.read_text())["createdAt"] > first["createdAt"]
    result, start, _ = go_on(jobs, request)
    # The newest is that of the lowest number.
    assert start == (21, "models/task_1/0/s0/attempt-1/checkpoint-21/manifest.json")
    assert without_times(result) == without_times(expected)


def test_what_attempts_left_before_the_store_was_lost_is_found_where_newer_ones_are_damaged(
    jobs: Jobs, die: Callable[..., None], expected: TrainResult
) -> None:
    request = request_for(jobs)
    # Those in between saved nothing.
    die(request, 4, 13, (12,))
    die(request, 1, 21, (20,))
    damaged = jobs.store.root / "models/task_1/0/s0/attempt-1/checkpoint-20/optimizer.safetensors"
    damaged.write_bytes(b"?" + damaged.read_bytes()[1:])
    result, start, _ = go_on(jobs, request)
    assert start == (12, "models/task_1/0/s0/attempt-4/checkpoint-12/manifest.json")
    assert without_times(result) == without_times(expected)
