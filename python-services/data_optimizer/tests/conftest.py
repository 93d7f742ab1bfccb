"""Fixtures of the optimizer's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_optimizer.tests.workplace import Workplace


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """An empty bucket."""
    return Workplace(tmp_path)
