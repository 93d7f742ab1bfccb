"""The step file has every line for whoever asks for it, though lines are written many at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from trainer.metrics import StepMetrics


def steps(path: Path) -> list[int]:
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_the_file_has_all_lines_in_order_and_each_once(tmp_path: Path) -> None:
    metrics = StepMetrics(tmp_path / "metrics.jsonl")
    assert steps(metrics.file()) == []
    for step in range(1, 251):
        metrics.write({"step": step})
        if step in (7, 180):
            assert steps(metrics.file()) == list(range(1, step + 1))
    assert steps(metrics.file()) == steps(metrics.file()) == list(range(1, 251))


def test_lines_are_written_many_at_a_time_and_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Mapping[str, Any]] = []
    metrics = StepMetrics(tmp_path / "metrics.jsonl", listener=told.append)
    opened: list[Path] = []
    original = Path.open

    def counted(path: Path, *options: Any, **more: Any) -> Any:
        opened.append(path)
        return original(path, *options, **more)

    monkeypatch.setattr(Path, "open", counted)
    for step in range(1, 251):
        metrics.write({"step": step})
        assert told[-1] == {"step": step}
    assert opened == [metrics.path] * 2
