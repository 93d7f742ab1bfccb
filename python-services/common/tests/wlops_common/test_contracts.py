"""The golden messages, which the TypeScript tests parse too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ConfigDict, TypeAdapter, ValidationError

from wlops_common import contracts
from wlops_common.contracts import JobKey, JobStatus, Message, ObjectKey, Prefix
from wlops_common.jobs.ids import job_id_of

_CONFIG = ConfigDict(regex_engine="python-re")
EXAMPLES = Path(__file__).parents[4] / "src" / "contracts" / "examples"
MESSAGES: dict[str, type[Message]] = {
    "optimize-request": contracts.OptimizeRequest,
    "optimize-result": contracts.OptimizeResult,
    "train-request": contracts.TrainRequest,
    "train-result": contracts.TrainResult,
    "evaluate-request": contracts.EvaluateRequest,
    "evaluate-result": contracts.EvaluateResult,
    "job-status": JobStatus,
}


def _golden(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
    return parsed


@pytest.mark.parametrize("name", MESSAGES)
def test_a_golden_message_is_read_and_written_back_unchanged(name: str) -> None:
    golden = _golden(name)
    assert MESSAGES[name].model_validate(golden).to_json() == golden


@pytest.mark.parametrize("name", MESSAGES)
def test_a_golden_message_shows_every_field(name: str) -> None:
    assert set(_golden(name)) == {field.alias for field in MESSAGES[name].model_fields.values()}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_field_that_is_unknown_or_left_out_is_refused(name: str) -> None:
    golden = _golden(name)
    with pytest.raises(ValidationError, match="surprise"):
        MESSAGES[name].model_validate({**golden, "surprise": 1})
    for info in MESSAGES[name].model_fields.values():
        if info.is_required():
            with pytest.raises(ValidationError, match=str(info.alias)):
                MESSAGES[name].model_validate({key: value for key, value in golden.items() if key != info.alias})


def test_an_optimization_stored_before_its_seconds_were_measured_is_read_without_them() -> None:
    older = {key: value for key, value in _golden("optimize-result").items() if key != "seconds"}
    assert contracts.OptimizeResult.model_validate(older).to_json() == {**older, "seconds": None}


def test_the_golden_job_id_is_that_of_its_key() -> None:
    golden = _golden("job-status")
    assert golden["jobId"] == job_id_of(golden["jobKey"])


@pytest.mark.parametrize(
    "key", ["datasets/7/dataset_1/raw", "optimized/d-1/attempt-2/train.parquet", "a", "year=2026/x..y"]
)
def test_keys_of_the_bucket_are_accepted(key: str) -> None:
    TypeAdapter(ObjectKey, config=_CONFIG).validate_python(key)
    TypeAdapter(Prefix, config=_CONFIG).validate_python(f"{key}/")


@pytest.mark.parametrize(
    "key",
    [
        "task_1/0/training",
        "task_1/0/cooking/0",
        "task_1/-1/training/0",
        "task_1/٣/training/0",
        "t/0/training/0\n",
        "a b/0/training/0",
    ],
)
def test_keys_that_name_no_job_are_refused(key: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(JobKey, config=_CONFIG).validate_python(key)
