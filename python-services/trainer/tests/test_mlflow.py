"""MLflow is told of trainings when a server is named, and can neither stop nor fail one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr, ValidationError

from trainer.champion import champion_router
from trainer.job import run
from trainer.settings import TrainerSettings
from trainer.step import NotFinite, Stepper
from trainer.tests.fake_mlflow import FakeMlflow
from trainer.tests.support import Jobs, intent_rows
from wlops_common.contracts import TrainResult
from wlops_common.errors import TrainingDiverged
from wlops_common.job_context import JobInterrupted
from wlops_common.manifest import read_manifest
from wlops_common.testing import RecordingJobContext

SETTINGS: dict[str, Any] = {"epochs": 2, "batch_size": 4, "hidden_size": 8}


def settings(uri: str | None, **given: Any) -> TrainerSettings:
    return TrainerSettings(secret=SecretStr("x" * 32), mlflow_tracking_uri=uri, s3_bucket="models-here", **given)


@pytest.fixture
def mlflow() -> Iterator[FakeMlflow]:
    server = FakeMlflow()
    yield server
    server.close()


def train(jobs: Jobs, uri: str, segment: int = 0, **options: Any) -> tuple[TrainResult, RecordingJobContext]:
    request = jobs.request(intent_rows(80), intent_rows(20, seed=2), segment=segment, **(SETTINGS | options))
    context = jobs.context(request, extras=settings(uri).job_extras())
    return run(context, request), context


def faults(context: RecordingJobContext) -> list[str]:
    return [
        line["reason"] for line in context.recorder.log if line["message"].startswith("MLflow") and "reason" in line
    ]


def test_a_training_is_a_run_with_tags_parameters_every_metric_and_a_model_version(
    jobs: Jobs, mlflow: FakeMlflow
) -> None:
    result, context = train(jobs, mlflow.uri)
    assert faults(context) == []
    (told,) = mlflow.runs.values()
    assert told["status"] == "FINISHED"
    assert told["start_time"] <= told["end_time"]
    assert told["run_name"] == "task_1/0/training/0"
    tags = {tag["key"]: tag["value"] for tag in told["tags"]}
    assert tags == {
        "taskId": "task_1",
        "iteration": "0",
        "segment": "0",
        "attempt": "1",
        "jobKey": "task_1/0/training/0",
    }
    assert told["params"].items() >= {"model": "builtin:classifier", "epochs": "2", "batch_size": "4"}.items()
    assert "max_steps" not in told["params"]
    file = read_manifest(jobs.store, result.model).file("metrics.jsonl")
    lines = [json.loads(line) for line in jobs.store.read(file).splitlines()]
    wanted = [
        (name, line["step"], line[name])
        for line in lines
        for name in ("loss", "learningRate", "gradNorm", "trainLoss", "mineLoss")
        if line.get(name) is not None
    ]
    assert [(metric["key"], metric["step"], metric["value"]) for metric in told["metrics"]] == wanted
    (version,) = mlflow.versions
    assert version["name"] == "wlops-task_1"
    assert version["source"] == f"s3://models-here/{result.model_path}"
    assert version["run_id"] in mlflow.runs
    version_tags = {tag["key"]: tag["value"] for tag in version["tags"]}
    assert version_tags["iteration"] == "0"
    assert version_tags["manifest"] == result.model.key
    assert version_tags["weightsSha256"] == result.weights_sha256


def test_metrics_go_in_batches_while_the_training_runs(
    jobs: Jobs, mlflow: FakeMlflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.mlflow_sink.MOST_METRICS", 50)
    request = jobs.request(intent_rows(80), **SETTINGS)
    context = jobs.context(request, extras=settings(mlflow.uri).job_extras())
    looks = iter(range(1000))
    told_before_the_end: list[int] = []

    def look() -> None:
        """By the 35th of 40 steps a batch of 50 metrics is full; wait there until it has arrived."""
        deadline = time.monotonic() + 20
        while next(looks) >= 37 and not told_before_the_end and time.monotonic() < deadline:
            told_before_the_end.extend(len(told["metrics"]) for told in mlflow.runs.values() if told["metrics"])
            time.sleep(0.01)

    context.recorder.order = look
    run(context, request)
    assert 50 <= told_before_the_end[0] < 80
    # Parameters, end and metrics: far fewer calls than steps.
    assert mlflow.calls.count("runs/log-batch") <= 6


@pytest.mark.parametrize("refused", ["experiments/create", "runs/create", "runs/log-batch", "model-versions/create"])
def test_a_server_that_refuses_costs_one_line_of_the_log(jobs: Jobs, mlflow: FakeMlflow, refused: str) -> None:
    mlflow.refuse = refused
    result, context = train(jobs, mlflow.uri)
    assert result.steps == 40
    assert faults(context) == ["MlflowFault: INTERNAL_ERROR: no disk"]
    if refused == "model-versions/create":
        assert [told["status"] for told in mlflow.runs.values()] == ["FINISHED"]


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("experiments/create", b"<!doctype html><title>Sign in</title>"),
        ("experiments/create", b"\xff\xfe"),
        ("experiments/create", b"[" * 100_000),
        ("experiments/create", b"{}"),
        ("runs/create", b"null"),
        ("runs/create", b'{"run": []}'),
        ("runs/create", b'{"run": {"info": "run1"}}'),
        ("runs/create", b'{"run": {"info": {"run_id": {}}}}'),
        ("runs/log-batch", b""),
        ("registered-models/create", b"7"),
        ("model-versions/create", b'{"model_version": null}'),
    ],
)
def test_a_server_that_answers_nonsense_fails_no_training_and_the_log_tells(
    jobs: Jobs, mlflow: FakeMlflow, call: str, answer: bytes
) -> None:
    mlflow.nonsense = {call: answer}
    result, context = train(jobs, mlflow.uri)
    assert result.steps == 40
    assert {reason.split(":")[0] for reason in faults(context)} == {"MlflowFault"}
    assert call in mlflow.calls


def test_whatever_telling_the_server_raises_costs_one_line_of_the_log(
    jobs: Jobs, mlflow: FakeMlflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> str:
        raise ValueError("a fault of ours")

    monkeypatch.setattr("trainer.mlflow_sink.MlflowClient.create_run", broken)
    result, context = train(jobs, mlflow.uri)
    assert result.steps == 40
    assert faults(context) == ["ValueError: a fault of ours"]


def test_a_server_that_is_not_there_costs_one_line_of_the_log(jobs: Jobs) -> None:
    mlflow = FakeMlflow()
    mlflow.close()
    result, context = train(jobs, mlflow.uri)
    assert result.steps == 40
    (reason,) = faults(context)
    assert reason.startswith("ConnectError")


def test_a_server_that_is_slow_delays_no_step_and_the_end_only_a_little(
    jobs: Jobs, mlflow: FakeMlflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.mlflow_sink._LAST_WAIT_SECONDS", 0.2)
    mlflow.delay = 9
    began = time.monotonic()
    result, context = train(jobs, mlflow.uri)
    assert time.monotonic() - began < 9
    assert result.steps == 40
    assert faults(context) == ["it did not answer in time at the end"]


def test_a_run_that_was_paused_or_diverged_is_not_left_running(
    jobs: Jobs,
    mlflow: FakeMlflow,
    monkeypatch: pytest.MonkeyPatch,
    order_after: Callable[[int, str], Callable[[], str | None]],
) -> None:
    request = jobs.request(intent_rows(80), **SETTINGS)
    context = jobs.context(request, extras=settings(mlflow.uri).job_extras())
    context.recorder.order = order_after(6, "pause")
    with pytest.raises(JobInterrupted):
        run(context, request)

    def diverge(_: Stepper) -> float:
        raise NotFinite("gradient became nan")

    monkeypatch.setattr(Stepper, "_clip", diverge)
    with pytest.raises(TrainingDiverged):
        train(jobs, mlflow.uri, segment=1)
    assert [told["status"] for told in mlflow.runs.values()] == ["KILLED", "FAILED"]
    assert mlflow.versions == []


def test_the_champion_alias_moves_to_the_newest_version_of_the_promoted_iteration(
    jobs: Jobs, mlflow: FakeMlflow
) -> None:
    train(jobs, mlflow.uri)
    train(jobs, mlflow.uri, segment=1, epochs=1)
    app = FastAPI()
    app.include_router(champion_router(settings(mlflow.uri)))
    answer = TestClient(app).post("/api/v1/models/champion", json={"taskId": "task_1", "iteration": 0})
    assert answer.json() == {"moved": True, "model": "wlops-task_1", "version": "2", "reason": None}
    assert mlflow.aliases == {"wlops-task_1@champion": "2"}
    absent = TestClient(app).post("/api/v1/models/champion", json={"taskId": "task_1", "iteration": 5})
    assert absent.json()["reason"] == "No version of iteration 5 is registered."


def test_without_a_server_or_with_one_that_refuses_the_alias_stays_and_the_answer_says_why(mlflow: FakeMlflow) -> None:
    mlflow.refuse = "model-versions/search"
    for uri, reason in (
        (None, "MLFLOW_TRACKING_URI is not set."),
        (mlflow.uri, "MlflowFault: INTERNAL_ERROR: no disk"),
    ):
        app = FastAPI()
        app.include_router(champion_router(settings(uri)))
        answer = TestClient(app).post("/api/v1/models/champion", json={"taskId": "task_1", "iteration": 0})
        assert (answer.status_code, answer.json()["moved"], answer.json()["reason"]) == (200, False, reason)


@pytest.mark.parametrize(
    "answer",
    [b"no JSON", b'{"model_versions": 3}', b'{"model_versions": ["1"]}', b'{"model_versions": [{"version": "new"}]}'],
)
def test_the_alias_stays_where_the_server_answers_nonsense(mlflow: FakeMlflow, answer: bytes) -> None:
    mlflow.nonsense = {"model-versions/search": answer}
    app = FastAPI()
    app.include_router(champion_router(settings(mlflow.uri)))
    reply = TestClient(app).post("/api/v1/models/champion", json={"taskId": "task_1", "iteration": 0})
    assert reply.json()["moved"] is False
    assert reply.json()["reason"].startswith("MlflowFault: ")
    assert mlflow.aliases == {}


def test_the_trainer_signs_in_with_token_or_password(jobs: Jobs, mlflow: FakeMlflow) -> None:
    request = jobs.request(intent_rows(40), **SETTINGS)
    with_token = settings(mlflow.uri, mlflow_tracking_token=SecretStr("t0ken"))
    run(jobs.context(request, extras=with_token.job_extras()), request)
    assert mlflow.authorizations == {"Bearer t0ken"}
    mlflow.authorizations.clear()
    other = jobs.request(intent_rows(40), segment=1, **SETTINGS)
    with_name = settings(mlflow.uri, mlflow_tracking_username="ann", mlflow_tracking_password=SecretStr("pw"))
    run(jobs.context(other, extras=with_name.job_extras()), other)
    assert mlflow.authorizations == {httpx.BasicAuth("ann", "pw")._auth_header}


def test_without_a_server_jobs_are_told_nothing_and_an_address_must_be_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert settings(None).job_extras() == {}
    monkeypatch.setenv("WLOPS_SERVICE_SECRET", "x" * 32)
    monkeypatch.setenv("WLOPS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert TrainerSettings().job_extras()["mlflow.uri"] == "http://mlflow:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///x.db")
    with pytest.raises(ValidationError, match="MLFLOW_TRACKING_URI"):
        TrainerSettings()
