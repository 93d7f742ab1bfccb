"""Fixtures of the optimizer's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_optimizer.teacher import endpoint
from data_optimizer.tests.workplace import Workplace


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """An empty bucket."""
    return Workplace(tmp_path)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A teacher that is busy is asked again at once."""
    monkeypatch.setattr(endpoint, "PAUSE_SECONDS", (0.01,))
