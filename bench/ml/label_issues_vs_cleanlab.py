"""Our noise model and cleanlab's ``find_label_issues`` on the same out-of-sample probabilities of a file with planted wrong labels.

Runs in an environment of its own: ``pip install cleanlab`` into a fresh one brings all it needs. Prints one JSON line: rows that
both judge alike, precision and recall of each, and seconds of each (median of 5; scores are made before the clock starts).

    PYTHONPATH=python-services:python-services/common python bench/ml/label_issues_vs_cleanlab.py train.csv --noise 0.2
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from cleanlab.filter import find_label_issues
from noisy_rows import planted, read

from data_optimizer.steps.label_noise import doubts, fit_noise
from data_optimizer.steps.leave_one_out import leave_one_out_scores

Mask = npt.NDArray[np.bool_]


def timed(judge: Callable[[], Mask]) -> tuple[Mask, float]:
    """What the judge says, and the median seconds of five calls."""
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        mask = judge()
        seconds.append(time.perf_counter() - started)
    return mask, round(statistics.median(seconds), 3)


def main() -> None:
    """Read the arguments, print the JSON line."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("train", type=Path)
    arguments.add_argument("--noise", type=float, default=0.2)
    given = arguments.parse_args()
    noisy, wrong = planted(read(given.train), given.noise, "even", 1)
    names, codes = np.unique([label for _, label in noisy], return_inverse=True)
    scores = leave_one_out_scores([text for text, _ in noisy], codes, len(names), 1)
    logits = scores.astype(np.float64) * fit_noise(scores, codes).sharpness
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    as_scores = np.log(np.maximum(probabilities, 1e-12)).astype(np.float32)
    truth = np.zeros(len(codes), dtype=bool)
    truth[sorted(wrong)] = True

    def ours() -> Mask:
        mask = np.zeros(len(codes), dtype=bool)
        mask[doubts(fit_noise(as_scores, codes), as_scores, codes)[0]] = True
        return mask

    result: dict[str, object] = {"rows": len(codes), "labels": len(names), "noise": given.noise}
    judges: dict[str, Callable[[], Mask]] = {
        "ours": ours,
        "pruneByNoiseRate": lambda: find_label_issues(codes, probabilities, n_jobs=1),
        "confidentLearning": lambda: find_label_issues(codes, probabilities, filter_by="confident_learning", n_jobs=1),
    }
    masks = {}
    for name, judge in judges.items():
        mask, seconds = timed(judge)
        masks[name] = mask
        hits = int((mask & truth).sum())
        result[name] = {
            "flagged": int(mask.sum()),
            "precision": round(hits / max(int(mask.sum()), 1), 4),
            "recall": round(hits / max(len(wrong), 1), 4),
            "agreement": round(float((mask == masks["ours"]).mean()), 4),
            "seconds": seconds,
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
