from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from data_optimizer.parsing.sampling import spread


@given(st.integers(1, 5_000), st.integers(1, 500))
def test_a_sample_holds_one_item_of_every_stretch_and_none_twice(count: int, limit: int) -> None:
    sample = spread(range(count), limit)
    assert len(sample) == min(count, limit)
    assert sample == sorted(set(sample))
    assert sample[0] == 0
    assert all(after - before <= 2 * -(-count // limit) for before, after in pairwise(sample))


@given(st.integers(2, 60))
def test_no_period_of_the_list_hides_in_a_sample(period: int) -> None:
    sample = spread([index % period for index in range(period * 1_000)], 1_000)
    assert len(set(sample)) == period
