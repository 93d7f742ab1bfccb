"""Plant wrong labels in a training file, take out the doubted rows, train the real model, and see what comes back on a clean test file.

Prints one JSON object: for each seed precision and recall of the doubts and the accuracy of four trainings (true labels, noisy labels,
doubts applied, and only the planted rows dropped, which no finder can know), and the mean share of the lost accuracy that came back.
Without noise ``recovered`` is null and ``gain`` says what applying the doubts did. CSV with the columns text and label (or category).

    PYTHONPATH=python-services:python-services/common python bench/ml/label_noise.py train.csv test.csv --noise 0.2 --seeds 3
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from noisy_rows import Rows, planted, read

from data_optimizer.steps.label_issues import judge_labels
from trainer.loop import Training
from trainer.metrics import StepMetrics
from trainer.plan import make_plan
from wlops_ml.models.catalog import complete_hyperparameters
from wlops_ml.models.classifier import ClassifierLearner
from wlops_ml.models.load import load_model

MODEL = "builtin:classifier"


def accuracy(train: Rows, test: Rows, seed: int) -> float:
    """Accuracy in percent of the model that the trainer's own loop and plan make of these rows."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - as the trainer does
    torch.manual_seed(seed)
    settings = complete_hyperparameters(MODEL, "classification", {})
    learner = ClassifierLearner([{"text": text, "label": label} for text, label in train], [], settings)
    plan = make_plan(settings, examples=len(train), tokens=0, seed=seed)
    with tempfile.TemporaryDirectory() as scratch:
        Training(learner, plan, StepMetrics(Path(scratch) / "steps.jsonl")).run(lambda _: None)
        folder = Path(scratch) / "model"
        folder.mkdir()
        learner.save(folder)
        predictions = load_model(folder).predict([{"text": text} for text, _ in test])
    return 100 * statistics.fmean(one.text == label for one, (_, label) in zip(predictions, test, strict=True))


def one_seed(train: Rows, test: Rows, share: float, kind: str, seed: int, *, relabel: bool) -> dict[str, float | None]:
    """All figures of one draw of noise."""
    noisy, wrong = planted(train, share, kind, seed)
    started = time.process_time()
    judgement = judge_labels([text for text, _ in noisy], [label for _, label in noisy], seed)
    seconds = time.process_time() - started
    if judgement is None:
        raise SystemExit("Too few rows, or too many rows times classes, to judge these labels.")
    doubted = {issue.row: issue for issue in judgement.issues}
    applied = [
        (text, doubted[row].suggested if row in doubted else label)
        for row, (text, label) in enumerate(noisy)
        if row not in doubted or (relabel and doubted[row].action == "relabel")
    ]
    hits = len(wrong & set(doubted))
    known = [row for number, row in enumerate(noisy) if number not in wrong]
    scores = {"true": accuracy(train, test, seed), "applied": accuracy(applied, test, seed)}
    if wrong:
        scores |= {"noisy": accuracy(noisy, test, seed), "plantedDropped": accuracy(known, test, seed)}
    lost = scores["true"] - scores["noisy"] if wrong else 0.0
    return {
        "seed": seed,
        "estimatedNoise": round(judgement.noise, 4),
        "flagged": round(len(doubted) / len(train), 4),
        "precision": round(hits / len(doubted), 4) if doubted and wrong else None,
        "recall": round(hits / len(wrong), 4) if wrong else None,
        **{name: round(value, 2) for name, value in scores.items()},
        "gain": round(scores["applied"] - scores.get("noisy", scores["true"]), 2),
        "recovered": round((scores["applied"] - scores["noisy"]) / lost, 4) if lost > 0 else None,
        "finderSeconds": round(seconds, 1),
    }


def main() -> None:
    """Read the arguments, print the JSON."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("train", type=Path)
    arguments.add_argument("test", type=Path)
    arguments.add_argument("--noise", type=float, default=0.2, help="share of labels made wrong, 0 to 1")
    arguments.add_argument("--kind", choices=["even", "pair"], default="even")
    arguments.add_argument("--seeds", type=int, default=3, help="how many draws of noise")
    arguments.add_argument("--relabel", action="store_true", help="relabel the surest rows instead of dropping all")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    train, test = read(given.train), read(given.test)
    runs = [
        one_seed(train, test, given.noise, given.kind, seed, relabel=given.relabel)
        for seed in range(1, given.seeds + 1)
    ]
    recovered = [run["recovered"] for run in runs if run["recovered"] is not None]
    what = {"rows": len(train), "labels": len({label for _, label in train}), "noise": given.noise, "kind": given.kind}
    means = {"recovered": round(statistics.fmean(recovered), 4) if recovered else None}
    means["gain"] = round(statistics.fmean(run["gain"] or 0.0 for run in runs), 2)
    print(json.dumps({**what, **means, "runs": runs}))


if __name__ == "__main__":
    main()
