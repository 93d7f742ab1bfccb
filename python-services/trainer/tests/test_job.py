"""From a request to a model that answers, and clear faults where there can be none."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import pytest

from trainer.tests.support import Jobs, intent_rows
from wlops_common.errors import (
    DatasetEmpty,
    DatasetTooSmall,
    DatasetUnreadable,
    HyperparameterInvalid,
    ModelTaskMismatch,
    ModelUnknown,
)
from wlops_common.manifest import read_manifest


def test_a_classifier_learns_and_answers_with_labels_and_probabilities_that_sum_to_one(jobs: Jobs) -> None:
    result = jobs.train(jobs.request(intent_rows(400), intent_rows(60, seed=2)))
    predictor = jobs.predictor(result)
    test = intent_rows(200, seed=3)
    seen: list[tuple[int, int]] = []
    predictions = predictor.predict(test, on_progress=lambda done, total: seen.append((done, total)))
    right = sum(prediction.text == row["label"] for prediction, row in zip(predictions, test, strict=True))
    assert right >= 195
    assert predictor.labels == ("card lost", "change address", "refund status", "transfer late")
    for prediction in predictions:
        assert prediction.probabilities is not None
        assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert prediction.confidence == prediction.probabilities.max()
    assert seen[-1] == (200, 200)
    assert result.mine_loss is not None
    assert result.mine_loss < 0.3


def test_the_manifest_lists_weights_configuration_and_one_metrics_line_per_step(jobs: Jobs) -> None:
    result = jobs.train(jobs.request(intent_rows(120), epochs=2, batch_size=8))
    manifest = read_manifest(jobs.store, result.model)
    assert [file.name for file in manifest.files] == ["config.json", "metrics.jsonl", "model.safetensors"]
    lines = [json.loads(line) for line in jobs.store.read(manifest.file("metrics.jsonl")).splitlines()]
    steps = [line for line in lines if "loss" in line]
    assert [line["step"] for line in steps] == list(range(1, 31))
    assert {"epoch", "learningRate", "seconds"} <= set(steps[0])
    assert result.steps == 30
    assert result.epochs == 2
    assert result.loss_curve == [(line["step"], line["loss"]) for line in steps]
    weights = jobs.store.read(manifest.file("model.safetensors"))
    assert result.weights_sha256 == hashlib.sha256(weights).hexdigest()
    assert manifest.facts["result"]["steps"] == 30


def test_a_long_loss_curve_is_thinned_to_two_hundred_points_over_the_whole_run(jobs: Jobs) -> None:
    result = jobs.train(jobs.request(intent_rows(150), epochs=10, batch_size=2, hidden_size=8))
    assert result.steps == 750
    assert 100 <= len(result.loss_curve) <= 200
    assert result.loss_curve[-1][0] > 740


def test_the_same_request_gives_the_same_weights_and_another_seed_gives_others(jobs: Jobs) -> None:
    request = jobs.request(intent_rows(100), epochs=2)
    first = jobs.train(request)
    second = jobs.train(
        request.model_copy(update={"output_prefix": "models/task_1/0/s1/", "job_key": "task_1/0/training/1"})
    )
    third = jobs.train(
        request.model_copy(update={"output_prefix": "models/task_1/0/s2/", "job_key": "task_1/0/training/2", "seed": 8})
    )
    assert first.weights_sha256 == second.weights_sha256 != third.weights_sha256


def test_accumulated_batches_train_like_one_large_batch(jobs: Jobs) -> None:
    whole = jobs.train(jobs.request(intent_rows(100), batch_size=20, dropout=0, epochs=2))
    parts = jobs.train(
        jobs.request(intent_rows(100), batch_size=5, gradient_accumulation_steps=4, dropout=0, epochs=2, segment=1)
    )
    assert parts.steps == whole.steps
    assert [loss for _, loss in parts.loss_curve] == pytest.approx([loss for _, loss in whole.loss_curve], rel=1e-4)


def test_early_stopping_keeps_the_weights_with_the_lowest_loss_on_mine(jobs: Jobs) -> None:
    draw = intent_rows(60, seed=9)
    labels = [row["label"] for row in draw]
    contradicting = [{**row, "label": label} for row, label in zip(draw, [*labels[1:], labels[0]], strict=True)]
    result = jobs.train(
        jobs.request(intent_rows(60), contradicting, epochs=60, batch_size=4, early_stopping_patience=2)
    )
    manifest = read_manifest(jobs.store, result.model)
    lines = [json.loads(line) for line in jobs.store.read(manifest.file("metrics.jsonl")).splitlines()]
    epochs = {line["mineLoss"]: line["step"] for line in lines if "mineLoss" in line}
    mine_losses = list(epochs)
    assert result.epochs < 60
    assert result.stopped_early
    assert result.best_step == epochs[min(mine_losses)] < result.steps
    assert mine_losses[-2:] > [min(mine_losses)] * 2
    assert result.mine_loss == min(mine_losses)


def test_without_early_stopping_the_last_weights_are_kept(jobs: Jobs) -> None:
    result = jobs.train(jobs.request(intent_rows(60), intent_rows(20, seed=2), epochs=2))
    assert not result.stopped_early
    assert result.best_step is None


def test_progress_says_step_loss_rate_and_remaining_time(jobs: Jobs) -> None:
    request = jobs.request(intent_rows(200), epochs=3)
    context = jobs.context(request)
    from trainer.job import run

    run(context, request)
    stages = Counter(progress.stage for progress in context.recorder.progress)
    assert {"reading rows", "preparing the model", "epoch 3 of 3", "saving the model"} <= set(stages)
    last = [progress for progress in context.recorder.progress if progress.stage == "epoch 3 of 3"][-1]
    assert last.step == last.total_steps
    assert last.loss is not None
    assert last.rate is not None
    assert last.rate > 0
    assert last.eta_seconds == 0


def test_an_unknown_hyperparameter_is_named_with_those_there_are(jobs: Jobs) -> None:
    with pytest.raises(HyperparameterInvalid, match=r"no hyperparameter 'learnin_rate'.*learning_rate"):
        jobs.train(jobs.request(intent_rows(20), learnin_rate=0.1))


def test_a_hyperparameter_out_of_range_is_named_with_its_range(jobs: Jobs) -> None:
    with pytest.raises(HyperparameterInvalid, match=r"learning_rate must be a number above 0 and at most 1, not -3"):
        jobs.train(jobs.request(intent_rows(20), learning_rate=-3))


def test_a_model_that_cannot_do_the_task_is_refused_naming_those_that_can(jobs: Jobs) -> None:
    with pytest.raises(
        ModelTaskMismatch, match=r"builtin:tinygpt does generation, not classification.*builtin:classifier"
    ):
        jobs.train(jobs.request(intent_rows(20), model="builtin:tinygpt"))


def test_an_unknown_model_is_refused_naming_the_known_ones(jobs: Jobs) -> None:
    with pytest.raises(ModelUnknown, match=r"'gpt-17'.*builtin:classifier"):
        jobs.train(jobs.request(intent_rows(20), model="gpt-17"))


def test_rows_of_one_label_are_too_few_classes(jobs: Jobs) -> None:
    rows = [{"text": f"row {number}", "label": "only"} for number in range(9)]
    with pytest.raises(DatasetTooSmall, match="at least two labels"):
        jobs.train(jobs.request(rows))


def test_rows_without_text_are_an_empty_data_set(jobs: Jobs) -> None:
    with pytest.raises(DatasetEmpty, match="train rows"):
        jobs.train(jobs.request([{"text": "", "label": "a"}]))


def test_an_object_that_is_no_row_file_is_unreadable(jobs: Jobs) -> None:
    request = jobs.request(intent_rows(20))
    ref = jobs.store.put(request.train.key, b"not parquet")
    broken = request.model_copy(update={"train": request.train.model_copy(update={"sha256": ref.sha256})})
    with pytest.raises(DatasetUnreadable, match="train rows cannot be read"):
        jobs.train(broken)
