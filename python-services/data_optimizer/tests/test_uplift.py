"""A paired uplift, its error and its interval, over groups of rows that are not independent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_optimizer.feedback.uplift import paired_uplift


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=2, max_size=60))
def test_an_uplift_lies_in_its_interval_and_turns_round_with_its_sides(rows: list[tuple[bool, bool, int]]) -> None:
    before, after = (np.array([row[side] for row in rows], dtype=np.float64) for side in (0, 1))
    groups = [f"g{row[2]}" for row in rows]
    forth, error = paired_uplift(before, after, groups)
    back, same = paired_uplift(after, before, groups)
    assert forth.low <= forth.value <= forth.high
    assert forth.value == pytest.approx(-back.value)
    assert forth.low == pytest.approx(-back.high)
    assert error == pytest.approx(same)


def test_the_error_of_an_uplift_is_that_of_independent_groups() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.random(400), rng.random(400)
    alone, error = paired_uplift(before, after, [str(row) for row in range(400)])
    assert error == pytest.approx(np.std(after - before, ddof=1) / np.sqrt(400))
    twice, clustered = paired_uplift(np.repeat(before, 2), np.repeat(after, 2), [str(row // 2) for row in range(800)])
    assert clustered == pytest.approx(error)
    assert twice.value == pytest.approx(alone.value, abs=1e-6)


def test_of_one_group_or_of_no_row_the_uplift_is_unknown() -> None:
    before, after = np.zeros(3), np.array([1.0, 0.0, 1.0])
    one, error = paired_uplift(before, after, ["g", "g", "g"])
    assert (one.low, one.high, error) == (-1.0, 1.0, 1.0)
    assert one.value == pytest.approx(2 / 3, abs=1e-6)
    none, _ = paired_uplift(np.empty(0), np.empty(0), [])
    assert (none.value, none.low, none.high) == (0.0, -1.0, 1.0)
