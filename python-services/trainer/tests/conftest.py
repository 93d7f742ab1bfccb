"""Fixtures of the trainer's tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

# A service as a real process is started as in the tests of the frame.
sys.path.insert(0, str(Path(__file__).parents[2] / "common/tests/wlops_common"))

from trainer.tests.support import Jobs
from trainer.tests.tiny_qwen import make_tiny_qwen


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    """An empty bucket and a way to train on it."""
    torch.set_num_threads(1)
    return Jobs(tmp_path)


@pytest.fixture
def tiny_qwen(jobs: Jobs, tmp_path: Path) -> Jobs:
    """Jobs with ``local:tiny``, a small random model with a chat template, below the operator's folder."""
    jobs.models_dir = tmp_path / "models"
    make_tiny_qwen(jobs.models_dir / "tiny")
    return jobs


@pytest.fixture
def order_after() -> Callable[[int, str], Callable[[], str | None]]:
    """``order_after(n, "pause")`` is an order given from the n-th time the job looks."""

    def make(looks: int, order: str) -> Callable[[], str | None]:
        seen = iter(range(looks))
        return lambda: order if next(seen, None) is None else None

    return make
