"""BANKING77, 13,083 questions to a bank in 77 classes (Casanueva et al., 2020; CC BY 4.0), for tests on real data."""

from __future__ import annotations

import pytest

from data_optimizer.tests.workplace import REPOSITORY

BANKING77 = REPOSITORY.parent / "shared" / "data" / "banking77"

on_banking77 = pytest.mark.skipif(
    not BANKING77.is_dir(),
    reason="BANKING77 is a public set that this repository does not carry: put train.csv and test.csv of"
    " PolyAI-LDN/task-specific-datasets (banking_data) into ../shared/data/banking77 beside the clone",
)
