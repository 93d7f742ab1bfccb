"""Paired differences and tests against scipy, a second way to compute them, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from evaluator.intervals import group_codes
from evaluator.paired import loss_difference, macro_f1_difference, mcnemar_p, share_difference, worse_p
from evaluator.tests.test_intervals import bootstrap_mean, losses
from evaluator.tests.test_metrics import labels_and_guesses


def alone(rows: int) -> list[str]:
    return [str(number) for number in range(rows)]


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (5, 5), (3, 12), (40, 17), (0, 9)])
def test_mcnemar_is_the_exact_binomial_test_of_scipy(gained: int, lost: int) -> None:
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar_p(gained, lost) == pytest.approx(expected)
    # Summed by hand, as statsmodels' mcnemar(exact=True) does.
    total, least = gained + lost, min(gained, lost)
    tail = sum(math.comb(total, count) for count in range(least + 1)) / 2**total
    assert mcnemar_p(gained, lost) == pytest.approx(min(1.0, 2 * tail))


def test_the_difference_of_shares_is_the_mean_of_differences_with_its_standard_error() -> None:
    draw = np.random.default_rng(1)
    before, after = draw.random(1000) < 0.8, draw.random(1000) < 0.85
    value, low, high = share_difference(before, after, alone(1000))
    changes = after.astype(float) - before
    error = changes.std(ddof=1) / math.sqrt(1000)
    assert value == pytest.approx(changes.mean())
    assert (low, high) == pytest.approx((value - 1.96 * error, value + 1.96 * error), abs=1e-3)


def test_models_that_agree_on_every_row_still_have_an_interval() -> None:
    right = np.ones(100, dtype=bool)
    value, low, high = share_difference(right, right, alone(100))
    assert (value, low) == (0.0, -high)
    assert 0 < high < 0.05


def test_copied_rows_count_once() -> None:
    draw = np.random.default_rng(2)
    before, after = draw.random(200) < 0.7, draw.random(200) < 0.8
    once = share_difference(before, after, alone(200))
    copied = share_difference(np.repeat(before, 5), np.repeat(after, 5), np.repeat(alone(200), 5).tolist())
    assert copied == pytest.approx(once, abs=4e-3)


@pytest.mark.parametrize(("copies", "agreement"), [(1, 0.0), (4, 0.0), (1, 0.95)])
def test_the_interval_of_a_difference_holds_the_truth_about_95_times_in_100(copies: int, agreement: float) -> None:
    draw = np.random.default_rng(3)
    hits = 0
    for _ in range(400):
        before = draw.random(150) < 0.7
        after = np.where(draw.random(150) < agreement, before, draw.random(150) < 0.7)
        groups = np.repeat(alone(150), copies).tolist()
        _, low, high = share_difference(np.repeat(before, copies), np.repeat(after, copies), groups)
        hits += low <= 0 <= high
    assert 370 <= hits <= 396


def test_the_difference_of_macro_f1_is_scikit_learns_and_its_interval_a_row_bootstraps() -> None:
    wanted, before = labels_and_guesses(1)
    _, after = labels_and_guesses(1, classes=9)
    draw = np.random.default_rng(4)
    after = [label if draw.random() < 0.5 else guess for label, guess in zip(wanted, after, strict=True)]
    value, low, high = macro_f1_difference(wanted, before, after, alone(len(wanted)), 5)

    def macro(guesses: list[str], rows: list[int]) -> float:
        references, said = [wanted[at] for at in rows], [guesses[at] for at in rows]
        return float(f1_score(references, said, average="macro", zero_division=0))

    everything = list(range(len(wanted)))
    assert value == pytest.approx(macro(after, everything) - macro(before, everything))
    resampled = []
    for _ in range(200):
        rows = draw.integers(0, len(wanted), len(wanted)).tolist()
        resampled.append(macro(after, rows) - macro(before, rows))
    assert (low, high) == pytest.approx(np.quantile(resampled, [0.025, 0.975]), abs=0.02)


@pytest.mark.parametrize("copies", [1, 5])
def test_the_difference_of_losses_is_compared_row_by_row_as_a_bootstrap_over_groups_does(copies: int) -> None:
    draw = np.random.default_rng(6)
    before, groups = losses(draw, 200, copies)
    shift = np.repeat(draw.normal(-0.1, 0.2, 200), copies)
    value, low, high = loss_difference(before, before + shift, groups)
    assert value == pytest.approx(shift.mean())
    assert (low, high) == pytest.approx(bootstrap_mean(shift, groups, 7), abs=0.004)


def test_a_fall_is_tested_by_groups() -> None:
    before, after = np.ones(10, dtype=bool), np.zeros(10, dtype=bool)
    assert worse_p(before, after, group_codes(alone(10))) == pytest.approx(2**-10)
    assert worse_p(before, after, group_codes(["one"] * 10)) == pytest.approx(0.5)
    assert worse_p(after, before, group_codes(alone(10))) == 1.0
    assert worse_p(before, before, group_codes(alone(10))) == 1.0
