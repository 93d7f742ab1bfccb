"""Which of the rows that are told in other words count, by their evidence and by what happens to honest rows."""

from __future__ import annotations

import numpy as np

from evaluator.chance import Met, contaminated


def met(expected: list[float], rows: int, group_size: int = 1) -> Met:
    """``rows`` rows of which the first are matched, with so many chance matches expected."""
    numbers = np.full(rows, np.inf)
    numbers[: len(expected)] = expected
    return Met(numbers, np.array([str(row // group_size) for row in range(rows)]))


def found(scored: Met, honest: Met) -> list[int]:
    return np.flatnonzero(contaminated(scored, honest)).tolist()


def test_of_weak_matches_so_many_count_as_are_more_than_happen_to_honest_rows() -> None:
    weak = np.linspace(0.05, 0.09, 60).tolist()
    assert found(met(weak, 300), met(weak, 300)) == []
    assert found(met(weak, 300), met(weak[::12], 150)) == list(range(50))
    assert found(met(weak[:5], 300), met([], 300)) == []
    assert found(met(weak[:6], 300), met([], 300)) == [0, 1, 2, 3, 4, 5]


def test_matched_rows_of_one_near_duplicate_group_are_no_more_evidence_than_one() -> None:
    weak = [0.05] * 12
    assert len(found(met(weak, 300), met([], 300))) == 12
    assert found(met(weak, 300, 12), met([], 300, 12)) == []


def test_one_match_of_strong_evidence_counts_unless_such_evidence_is_seen_in_honest_rows() -> None:
    weak = [0.05] * 30
    assert found(met([1e-6, *weak], 300), met(weak, 300)) == [0]
    assert found(met([1e-6, *weak], 300), met([1e-7, *weak], 300)) == []
    assert found(met([1e-8, *weak], 300), met([1e-7, *weak], 300)) == []


def test_stronger_evidence_than_that_of_the_best_honest_match_counts_by_how_much_it_is_stronger() -> None:
    weak = [0.05] * 30
    for count in (1, 5, 19):
        assert found(met([*[1e-12] * count, *weak], 300), met([1e-7, *weak], 300)) == list(range(count))
    assert found(met([0.0, *weak], 300), met([0.0, *weak], 300)) == []


def test_numbers_that_go_together_in_honest_rows_too_are_chance() -> None:
    constants = np.geomspace(1e-9, 0.05, 40).tolist()
    assert found(met(constants[::2], 300), met(constants[1::2], 300)) == []
    assert found(met(constants[1::2], 300), met(constants[::2], 300)) == []


def test_one_honest_match_does_not_hide_many_scored_ones_as_strong_among_those_that_chance_makes() -> None:
    weak = [0.05] * 45
    assert found(met([*[1e-9] * 16, *weak], 300), met([1e-10, *weak], 300)) == list(range(15))
    assert found(met([*[1e-9] * 16, *weak], 300), met([*[1e-10] * 12, *weak], 300)) == []


def test_beside_too_few_honest_rows_evidence_decides_alone() -> None:
    assert found(met([1e-6, *[0.05] * 30], 300), met([1e-7], 19)) == [0]
    assert found(met([], 0), met([], 300)) == []
