"""Accuracy, macro-F1, both intervals and the class table: ours against scikit-learn with a bootstrap loop, on the same predictions.

Prints one JSON line: median seconds of five runs each, taken in turn, their ratio, and how far the figures differ. Both resample 1,000
times; the loop computes macro-F1 by ``f1_score`` on drawn rows, as is usual.

    PYTHONPATH=python-services:python-services/common python bench/ml/evaluator_speed.py [rows]
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from sklearn.metrics import accuracy_score, classification_report, f1_score

from evaluator.confusion import Confusion
from evaluator.intervals import share_interval

CLASSES, RUNS, RESAMPLES = 77, 5, 1_000


def predictions(rows: int, seed: int) -> tuple[list[str], list[str]]:
    """Labels and guesses of a classifier that is right nine times in ten."""
    draw = random.Random(seed)
    labels = [f"intent_{number:02d}" for number in range(CLASSES)]
    wanted = [draw.choice(labels) for _ in range(rows)]
    return wanted, [label if draw.random() < 0.9 else draw.choice(labels) for label in wanted]


def ours(wanted: list[str], guessed: list[str]) -> dict[str, float]:
    """As an evaluation job computes it; every row is a group of its own."""
    confusion = Confusion.of(wanted, guessed)
    groups = [str(row) for row in range(len(wanted))]
    right = np.array([a == b for a, b in zip(wanted, guessed, strict=True)])
    table = confusion.per_class()
    low, high = confusion.macro_f1_interval(groups, 1)
    wilson_low, wilson_high = share_interval(right, groups)
    figures = {"accuracy": float(right.mean()), "macroF1": confusion.macro_f1(), "classes": float(len(table))}
    figures |= {f"f1 {row['label']}": row["f1"] for row in table}
    return figures | {"low": low, "high": high, "accuracyLow": wilson_low, "accuracyHigh": wilson_high}


def peer(wanted: list[str], guessed: list[str]) -> dict[str, float]:
    """scikit-learn's report and a loop over resamples for both intervals, labels as numbers, which is its fast path."""
    names = sorted({*wanted, *guessed})
    number = {name: at for at, name in enumerate(names)}
    truth, said = np.array([number[one] for one in wanted]), np.array([number[one] for one in guessed])
    report = classification_report(truth, said, output_dict=True, zero_division=0)
    draw = np.random.default_rng(1)
    f1s, accuracies = [], []
    for _ in range(RESAMPLES):
        rows = draw.integers(0, len(truth), len(truth))
        f1s.append(f1_score(truth[rows], said[rows], average="macro", zero_division=0))
        accuracies.append(accuracy_score(truth[rows], said[rows]))
    figures = {"accuracy": report["accuracy"], "macroF1": report["macro avg"]["f1-score"], "classes": float(len(names))}
    figures |= {f"f1 {name}": report[str(at)]["f1-score"] for at, name in enumerate(names)}
    low, high = (float(value) for value in np.quantile(f1s, [0.025, 0.975]))
    wide_low, wide_high = (float(value) for value in np.quantile(accuracies, [0.025, 0.975]))
    return figures | {"low": low, "high": high, "accuracyLow": wide_low, "accuracyHigh": wide_high}


def _timed(
    work: Callable[[list[str], list[str]], dict[str, float]], given: tuple[list[str], list[str]]
) -> tuple[float, dict[str, float]]:
    began = time.perf_counter()
    figures = work(*given)
    return time.perf_counter() - began, figures


def main() -> None:
    """See the module."""
    given = predictions(int(sys.argv[1]) if len(sys.argv) > 1 else 3_080, 7)
    runs = [(_timed(ours, given), _timed(peer, given)) for _ in range(RUNS)]
    own, other = (statistics.median(run[at][0] for run in runs) for at in (0, 1))
    mine, theirs = runs[0][0][1], runs[0][1][1]
    bounds = {"low", "high", "accuracyLow", "accuracyHigh"}
    line = {
        "rows": len(given[0]),
        "classes": CLASSES,
        "ours": {"seconds": own},
        "peer": {"name": "scikit-learn report + bootstrap loop", "seconds": other},
        "ratio": other / own,
        "largestDifference": max(abs(mine[name] - theirs[name]) for name in mine.keys() - bounds),
        "largestDifferenceOfBounds": max(abs(mine[name] - theirs[name]) for name in bounds),
    }
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
