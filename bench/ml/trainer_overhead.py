"""What the trainer adds to a plain PyTorch loop, in CPU seconds: the same module, batches, optimizer, clipping and schedule.

Three models: ``builtin:classifier``, ``builtin:tinygpt``, and a small random Qwen2 for classification, the last also against the
``Trainer`` of transformers. Ours is the trainer's own code from the first step to the last (``trainer.job``): step file, progress,
orders, checkpoints, upload of the step file. The plain loop does nothing but train; that both end with the same weights is checked
first. They then take a few steps each in turn, in one process, so that a busy machine slows down both alike. Also seconds from the
start of a process to its first step. Models are small on purpose: what is added to each step is largest beside a small one. Prints
one JSON line.

    OMP_NUM_THREADS=1 PYTHONPATH=python-services:python-services/common python bench/ml/trainer_overhead.py [rounds]
"""

from __future__ import annotations

import itertools
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from trainer_cases import STEPS, Case, cases, texts

#: Steps that each loop takes in its turn.
_TURN_STEPS = 5


def our_training(case: Case, scratch: Path) -> tuple[Any, Any, Callable[[], None]]:
    """Context and training of the trainer's own loop, and what runs it to its end."""
    from trainer.checkpoint import Checkpoints
    from trainer.job import _train

    context, request, training = case.training(scratch)
    checkpoints = Checkpoints(context, request, training.plan.checkpoint_interval_seconds)
    return context, training, lambda: _train(context, training, checkpoints)


def plain_training(case: Case, scratch: Path) -> tuple[Any, Iterator[None]]:
    """Module of a plain loop over the same batches, and the loop, which stops after each step."""
    import torch

    _, _, training = case.training(scratch)
    learner, plan = training.learner, training.plan
    batches = [training.rows(step) for step in range(1, STEPS + 1)]
    parameters = [parameter for parameter in learner.module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learner.parameter_groups(plan.weight_decay), lr=1.0, betas=(0.9, 0.98), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: plan.learning_rate_at(min(step + 1, STEPS)))
    learner.module.train()

    def steps() -> Iterator[None]:
        for batch in batches:
            loss = learner.loss(batch, "train")
            optimizer.zero_grad()
            (loss.total / loss.units).backward()
            if plan.max_grad_norm:
                torch.nn.utils.clip_grad_norm_(parameters, plan.max_grad_norm)
            optimizer.step()
            schedule.step()
            yield

    return learner.module, steps()


def side_by_side(case: Case, scratch: Path, *, plain_first: bool) -> list[tuple[float, float]]:
    """CPU seconds of our loop and of the plain one, some steps each in turn, so that a busy machine slows down both alike.

    Of two plain loops the one that was made first was slower by up to a percent; ``plain_first`` is for either order.
    """
    made_before = plain_training(case, scratch / "plain") if plain_first else None
    context, _, train = our_training(case, scratch / "ours")
    _, plain = made_before or plain_training(case, scratch / "plain")
    turns: list[tuple[float, float]] = []
    looks, began = itertools.count(1), 0.0

    def look() -> None:
        """Asked for orders after each of our steps: after some of them let the plain loop take as many."""
        nonlocal began
        if next(looks) % _TURN_STEPS == 0:
            ended = time.process_time()
            for _ in itertools.islice(plain, _TURN_STEPS):
                pass
            turns.append((ended - began, time.process_time() - ended))
            began = time.process_time()

    context.recorder.order = look
    began = time.process_time()
    train()
    return turns


def prove_equal_work(case: Case, scratch: Path) -> None:
    """Run both loops apart; they must end with the same weights, up to rounding."""
    import torch

    _, training, train = our_training(case, scratch / "ours")
    before = [parameter.detach().clone() for parameter in training.learner.module.parameters()]
    train()
    module, plain = plain_training(case, scratch / "plain")
    for _ in plain:
        pass
    for start, our, their in zip(before, training.learner.module.parameters(), module.parameters(), strict=True):
        torch.testing.assert_close(our - start, their - start, rtol=1e-2, atol=1e-4)


def ours(case: Case, scratch: Path) -> float:
    """CPU seconds of our loop alone."""
    _, _, train = our_training(case, scratch)
    began = time.process_time()
    train()
    return time.process_time() - began


def hf_trainer(case: Case, scratch: Path) -> float:
    """CPU seconds of the ``Trainer`` of transformers with its defaults, nothing logged or saved."""
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        PrinterCallback,
        Trainer,
        TrainingArguments,
    )

    source = str(case.folder / "tiny")
    tokenizer = AutoTokenizer.from_pretrained(source)
    labels = sorted({row["label"] for row in case.rows})
    encoded = tokenizer([row["text"] for row in case.rows])["input_ids"]
    rows = [
        {"input_ids": ids, "labels": labels.index(row["label"])} for ids, row in zip(encoded, case.rows, strict=True)
    ]
    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_pretrained(source, num_labels=len(labels))
    arguments = TrainingArguments(
        output_dir=str(scratch), per_device_train_batch_size=16, max_steps=STEPS, learning_rate=2e-5, report_to=[],
        save_strategy="no", logging_strategy="no", disable_tqdm=True, use_cpu=True, optim="adamw_torch_fused",
    )  # fmt: skip
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=DataCollatorWithPadding(tokenizer))
    trainer.remove_callback(PrinterCallback)
    started = time.process_time()
    trainer.train()
    return time.process_time() - started


def first_step(side: str) -> None:
    """Take one step of the classifier in a fresh process; ours as a whole job from a request on."""
    rows = texts(1000, 1)
    with tempfile.TemporaryDirectory() as scratch:
        case = Case("builtin:classifier", "classification", rows, Path(scratch), max_steps=1, batch_size=32)
        if side == "plain":
            import torch

            from wlops_ml.models.classifier import ClassifierLearner

            learner = ClassifierLearner(rows, [], dict(case.hyperparameters))
            optimizer = torch.optim.AdamW(learner.module.parameters(), lr=0.003, fused=True)
            learner.loss(range(32), "train").total.backward()
            optimizer.step()
            return
        from trainer.job import run
        from wlops_common.contracts import RowsRef
        from wlops_common.testing import job_context
        from wlops_ml.rows import content_ids, frame, to_parquet

        context, request, _ = case.training(Path(scratch))
        ids = content_ids((row["text"], row["label"]) for row in rows)
        table = frame([{"id": row_id, **row} for row_id, row in zip(ids, rows, strict=True)], "classification")
        ref = context.store.put("rows/train.parquet", to_parquet(table, "classification"))
        request = request.model_copy(update={"train": RowsRef(**ref.model_dump(), rows=len(rows))})
        run(job_context(Path(scratch), request, store=context.store, attempt=2), request)


def seconds_to_first_step(side: str) -> float:
    """Wall seconds of such a process, from its start to its end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, __file__, "--first-step", side], check=True)  # noqa: S603
    return time.perf_counter() - started


def in_turn(sides: dict[str, Callable[[], float]], rounds: int) -> dict[str, Any]:
    """Medians of each side, and how much the first takes of each other one: median, least, most of the rounds' ratios."""
    seen: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, measure in sides.items():
            taken = measure()
            if number > 0:  # the first round warms up
                seen[name].append(taken)
    first, *others = sides
    answer: dict[str, Any] = {name: round(statistics.median(values), 4) for name, values in seen.items()}
    for other in others:
        ratios = sorted(mine / theirs for mine, theirs in zip(seen[first], seen[other], strict=True))
        middle = statistics.median(ratios)
        answer[f"{first}/{other}"] = [round(ratio, 4) for ratio in (ratios[0], middle, ratios[-1])]
    return answer


def alone(measure: Callable[[Case, Path], float], case: Case) -> Callable[[], float]:
    """A side that measures the case in a scratch folder of its own."""

    def side() -> float:
        with tempfile.TemporaryDirectory() as scratch:
            return measure(case, Path(scratch))

    return side


def beside_plain(case: Case, rounds: int) -> dict[str, Any]:
    """Our CPU seconds as a share of the plain loop's: least, median and most of the rounds, and the median of all turns.

    What disturbs a few turns does not move the latter.
    """
    turns: list[tuple[float, float]] = []
    ratios = []
    for _ in range(rounds):
        seen: list[tuple[float, float]] = []
        for plain_first in (False, True):
            with tempfile.TemporaryDirectory() as scratch:
                seen += side_by_side(case, Path(scratch), plain_first=plain_first)
        ratios.append(sum(mine for mine, _ in seen) / sum(theirs for _, theirs in seen))
        turns += seen
    ratios.sort()
    return {
        "millisecondsPerStep": round(statistics.median(theirs for _, theirs in turns) / _TURN_STEPS * 1000, 3),
        "ours/plain": [round(ratio, 4) for ratio in (ratios[0], statistics.median(ratios), ratios[-1])],
        "ours/plain, turns": round(statistics.median(mine / theirs for mine, theirs in turns), 4),
    }


def main(rounds: int) -> None:
    """Measure everything and print it."""
    import torch
    import transformers

    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, case in cases(Path(folder)).items():
            with tempfile.TemporaryDirectory() as scratch:
                prove_equal_work(case, Path(scratch))
            results[name] = beside_plain(case, rounds)
            if "Qwen" in name:
                results[name] |= in_turn({"ours": alone(ours, case), "hf_trainer": alone(hf_trainer, case)}, rounds)
            print(name, results[name], file=sys.stderr)
    start = in_turn({side: (lambda side=side: seconds_to_first_step(side)) for side in ("ours", "plain")}, rounds)
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    report = {
        "cpuSeconds": results,
        "secondsToFirstStep": start,
        "steps": STEPS,
        "rounds": rounds,
        "versions": versions,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--first-step"]:
        first_step(sys.argv[2])
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 5)
