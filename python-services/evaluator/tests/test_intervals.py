"""Intervals against known values and by how often they hold the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from evaluator.confusion import Confusion
from evaluator.intervals import bootstrap_cells, group_codes, mean_interval, share_interval, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_values(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_is_the_score_test_turned_round() -> None:
    low, high = wilson(37, 50)
    for bound in (low, high):
        assert abs(37 / 50 - bound) / np.sqrt(bound * (1 - bound) / 50) == pytest.approx(1.959964, abs=1e-5)


def test_no_trials_have_no_interval() -> None:
    with pytest.raises(ValueError, match="trial"):
        wilson(0, 0)


def test_rows_that_are_copies_of_each_other_count_once() -> None:
    right = np.array([True] * 30 + [False] * 10)
    alone = [str(number) for number in range(40)]
    assert share_interval(right, alone) == pytest.approx(wilson(30, 40))
    copied = share_interval(np.repeat(right, 5), np.repeat(alone, 5).tolist())
    assert copied == pytest.approx(share_interval(right, alone), abs=5e-3)
    assert share_interval(np.ones(200, dtype=bool), np.repeat(alone, 5).tolist()) == pytest.approx(wilson(40, 40))


def bootstrap_mean(values: npt.NDArray[np.float64], groups: list[str], seed: int) -> tuple[float, float]:
    """Percentile interval of the mean, by drawing groups of rows."""
    codes = group_codes(groups)
    sums, sizes = np.bincount(codes, weights=values), np.bincount(codes)
    drawn = np.random.default_rng(seed).integers(0, len(sums), (4000, len(sums)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def losses(draw: np.random.Generator, groups: int, copies: int) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Skewed losses with the mean 2, alike within a group."""
    shared = np.repeat(draw.gamma(2.0, 0.75, groups), copies)
    return shared + draw.gamma(1.0, 0.5, groups * copies), np.repeat(np.arange(groups).astype(str), copies).tolist()


@pytest.mark.parametrize("copies", [1, 5])
def test_the_interval_of_a_mean_is_the_one_of_a_bootstrap_over_groups(copies: int) -> None:
    values, groups = losses(np.random.default_rng(1), 300, copies)
    assert mean_interval(values, groups, 0.0, 30.0) == pytest.approx(bootstrap_mean(values, groups, 2), abs=0.012)


@pytest.mark.parametrize("copies", [1, 4])
def test_the_interval_of_a_mean_holds_the_truth_about_95_times_in_100(copies: int) -> None:
    draw = np.random.default_rng(3)
    hits = 0
    for _ in range(400):
        low, high = mean_interval(*losses(draw, 60, copies), 0.0, 30.0)
        hits += low <= 2.0 <= high
    assert 366 <= hits <= 394


def test_the_interval_of_a_mean_needs_two_groups_and_stays_where_values_can_be() -> None:
    values = np.array([0.1, 0.2, 3.0])
    assert mean_interval(values, ["a", "a", "a"], 0.0, 30.0) == (0.0, 30.0)
    low, high = mean_interval(values, ["a", "b", "c"], 0.0, 30.0)
    assert low == 0.0
    assert high == pytest.approx(1.1 + 4.302653 * values.std(ddof=1) / np.sqrt(3))


def _accuracy(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(counts[:, 1] / counts.sum(axis=1))


def test_the_bootstrap_agrees_with_wilson_where_both_apply() -> None:
    right = np.arange(1000) % 10 != 0
    groups = [str(number) for number in range(1000)]
    assert bootstrap_cells(right.astype(np.int64), groups, _accuracy, 3) == pytest.approx(wilson(900, 1000), abs=5e-3)


def test_drawing_cells_and_drawing_rows_give_the_same_interval() -> None:
    """One row per group through the grouped path must equal the fast path up to resampling noise."""
    random = np.random.default_rng(1)
    cells = random.integers(0, 4, 600)
    cells[0] = cells[1] = 3
    rows = [str(number) for number in range(600)]
    nearly_rows = ["0", "0", *rows[2:]]

    def statistic(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(counts[:, 0] / counts.sum(axis=1))

    fast = bootstrap_cells(cells, rows, statistic, 5, resamples=4000)
    grouped = bootstrap_cells(cells, nearly_rows, statistic, 5, resamples=4000)
    assert fast == pytest.approx(grouped, abs=4e-3)


def test_the_bootstrap_repeats_itself() -> None:
    cells = np.arange(100, dtype=np.int64) % 3
    groups = [str(number // 2) for number in range(100)]
    assert bootstrap_cells(cells, groups, _accuracy, 9) == bootstrap_cells(cells, groups, _accuracy, 9)


def _sample(random: np.random.Generator, groups: int, copies: int) -> tuple[list[str], list[str], list[str]]:
    """Rows of three classes; each group's rows have one class and one fate, 80 % right."""
    wanted = random.integers(0, 3, groups)
    predicted = np.where(random.random(groups) < 0.8, wanted, (wanted + 1) % 3)
    names = [f"g{number}" for number in range(groups)]
    repeat: Any = np.repeat
    return (
        repeat([f"c{label}" for label in wanted], copies).tolist(),
        repeat([f"c{label}" for label in predicted], copies).tolist(),
        repeat(names, copies).tolist(),
    )


@pytest.mark.parametrize("copies", [1, 4])
def test_the_macro_f1_interval_holds_the_truth_about_95_times_in_100(copies: int) -> None:
    random = np.random.default_rng(11)
    hits = 0
    for trial in range(200):
        references, predictions, groups = _sample(random, 150, copies)
        low, high = Confusion.of(references, predictions).macro_f1_interval(groups, seed=trial)
        hits += low <= 0.8 <= high  # by symmetry of the classes, F1 of each is 0.8
    assert 180 <= hits <= 198
