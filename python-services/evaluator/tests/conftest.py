"""Fixtures of the evaluator's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluator.tests.workplace import Workplace
from wlops_common.testing import DirectoryObjectStore


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """An empty bucket."""
    return Workplace(tmp_path, DirectoryObjectStore(tmp_path / "bucket"))
