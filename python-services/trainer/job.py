"""One training, from a request to a committed model: check, read, train, checkpoint, save.

Runs in a job's child process. Not here: the HTTP service (``app``) and the processes around a job (``wlops_common.jobs``).
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainer.checkpoint import Checkpoints, left_by_earlier_attempts
from trainer.data import read_rows
from trainer.learners import make_learner
from trainer.live_metrics import LiveMetrics
from trainer.loop import Training
from trainer.memory import memory_advice_while
from trainer.metrics import METRICS_NAME, StepMetrics
from trainer.plan import TrainingPlan, make_plan
from trainer.run_log import open_run
from wlops_common.contracts import ObjectRef, TrainRequest, TrainResult
from wlops_common.errors import StorageUnavailable, TrainingDiverged
from wlops_common.job_context import JobContext, JobInterrupted
from wlops_ml.models.catalog import complete_hyperparameters, resolve_model
from wlops_ml.models.learner import Learner, device

#: A pause that cannot save its checkpoint tries again after so long.
_SAVE_AGAIN_SECONDS = 1.0


def run(context: JobContext, request: TrainRequest) -> TrainResult:
    """Train the model and commit it; continue from a checkpoint where there is one.

    The same request gives the same weights on the same kind of CPU with the same number of threads, interrupted or not.

    Raises:
        ModelUnknown, ModelUnavailable, ModelTaskMismatch, HyperparameterInvalid: The request names something impossible.
        DatasetUnreadable, DatasetEmpty, DatasetTooSmall: The rows cannot be trained on.
        TrainingDiverged: A loss or the gradient became NaN or infinite; ``details.checkpoint`` is the last good checkpoint.
        ResourceExhausted: Memory ran out, in a step again with smaller batches; the message says what helps.
        JobInterrupted: The job was stopped. When paused, ``result.checkpoint`` is what ``resumeFrom`` takes.
    """
    left = left_by_earlier_attempts(context, request)
    with context.expendable(request.result_unbegun() if left is None else {"checkpoint": left.to_json()}):
        training, checkpoints, settings = _prepare(context, request)
    with open_run(context, request) as run_log:
        run_log.parameters(_told(request, settings, training.plan))
        training.metrics.listener = run_log.line
        resumed_from = training.position.step or None
        with (
            memory_advice_while("training", settings, in_batches=True),
            _saved_at_pause(context, training, checkpoints),
        ):
            if context.memory_ran_out and training.position.out_of_memory_retries == 0:
                training.halve_batch()
            _train(context, training, checkpoints)
        with (
            memory_advice_while("saving the model", settings, in_batches=False),
            _saved_at_pause(context, training, checkpoints),
        ):
            result = _commit(context, training, resumed_from)
        run_log.model(result)
    return result


def _prepare(context: JobContext, request: TrainRequest) -> tuple[Training, Checkpoints, dict[str, Any]]:
    """The training, where it last stood, with its checkpoints and the settings in effect."""
    hyperparameters = complete_hyperparameters(request.model_name, request.task_type, request.hyperparameters)
    model = resolve_model(request.model_name, models_dir=context.models_dir, offline=context.hub_offline)
    _seed_everything(request.seed)
    with memory_advice_while("reading the rows and preparing the model", hyperparameters, in_batches=False):
        learner = _learner(context, request, model, hyperparameters)
    settings = {**hyperparameters, **learner.chosen}
    plan = make_plan(settings, examples=learner.sizes["train"], tokens=learner.train_tokens, seed=request.seed)
    metrics = StepMetrics(context.work_dir / METRICS_NAME)
    training = Training(learner, plan, metrics, log=context.log, check=context.check)
    context.log(
        "training starts",
        model=request.model_name,
        steps=plan.total_steps,
        epochs=plan.epochs,
        batchSize=plan.batch_size,
    )
    checkpoints = Checkpoints(context, request, plan.checkpoint_interval_seconds)
    with memory_advice_while("reading the checkpoint", settings, in_batches=False):
        checkpoints.restore(training)
    return training, checkpoints, settings


@contextmanager
def _saved_at_pause(context: JobContext, training: Training, checkpoints: Checkpoints) -> Iterator[None]:
    """When the block is paused, save a checkpoint and let the next segment know of it.

    A bucket that does not answer is asked again until the service ends this process, when an older checkpoint has to do.
    """
    try:
        yield
    except JobInterrupted as interruption:
        if interruption.reason != "pause":
            raise
        while True:
            try:
                ref = checkpoints.save(training)
            except StorageUnavailable as fault:
                context.log("checkpoint not saved, trying again", reason=fault.message)
                time.sleep(_SAVE_AGAIN_SECONDS)
            else:
                break
        raise JobInterrupted("pause", {"checkpoint": ref.to_json(), "step": training.position.step}) from interruption


def _learner(
    context: JobContext, request: TrainRequest, model: Mapping[str, Any], hyperparameters: dict[str, Any]
) -> Learner:
    """The model over the rows of the request."""
    context.progress("reading rows")
    train = read_rows(context, request.train, request.task_type, "train")
    has_mine = request.mine is not None and request.mine.rows > 0
    mine = read_rows(context, request.mine, request.task_type, "mine") if request.mine and has_mine else []
    context.progress("preparing the model")
    return make_learner(model, request.task_type, train, mine, hyperparameters, context)


def _told(request: TrainRequest, settings: Mapping[str, Any], plan: TrainingPlan) -> dict[str, object]:
    """The settings of the run as they are in effect, for those who compare runs."""
    chosen = {"epochs": plan.epochs, "batch_size": plan.batch_size}
    data = {"train_rows": request.train.rows, "train_sha256": request.train.sha256}
    return {
        "model": request.model_name,
        "task_type": request.task_type,
        "seed": request.seed,
        **data,
        **settings,
        **chosen,
    }


def _train(context: JobContext, training: Training, checkpoints: Checkpoints) -> None:
    """Run to the end. A failure leaves its last steps to read."""
    live = LiveMetrics(context, training.metrics)

    def after_step(loss: float) -> None:
        position, plan = training.position, training.plan
        context.progress(
            f"epoch {min(training.epoch + 1, plan.epochs)} of {plan.epochs}",
            position.step,
            plan.total_steps,
            loss=loss,
            rate=training.metrics.rate(),
            eta_seconds=training.metrics.eta_seconds(plan.total_steps - position.step),
        )
        if not training.is_done:
            checkpoints.save_if_due(training)
            live.upload_if_due()

    try:
        training.run(after_step)
    except JobInterrupted:
        raise
    except TrainingDiverged as fault:
        live.upload()
        last = checkpoints.save_last_good(training)
        named = f" The last good checkpoint is {last.key}." if last else " There is no good checkpoint."
        details = {**(fault.details or {}), "checkpoint": last.to_json() if last else None}
        raise TrainingDiverged(fault.message + named, details=details) from fault
    except Exception:
        live.upload()
        raise


def _commit(context: JobContext, training: Training, resumed_from: int | None) -> TrainResult:
    """Save the model, upload it with the step file, and list both in the manifest."""
    context.progress("saving the model", training.position.step, training.position.step)
    folder = context.work_dir / "model"
    folder.mkdir()
    training.learner.save(folder)
    weights_sha256 = _weights_sha256(folder)
    (folder / METRICS_NAME).write_bytes(training.metrics.file().read_bytes())
    prefix = f"{context.attempt_prefix}model/"
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    files = {name: context.store.upload(prefix + name, path) for name, path in paths.items()}
    position = training.position
    result = TrainResult(
        model=ObjectRef(key=f"{prefix}{METRICS_NAME}", sha256=files[METRICS_NAME].sha256),
        model_path=prefix,
        weights_sha256=weights_sha256,
        parameters=sum(parameter.numel() for parameter in training.learner.module.parameters()),
        steps=position.step,
        epochs=round(position.step / training.plan.steps_per_epoch, 4),
        train_loss=position.train_loss,
        mine_loss=position.mine_loss,
        loss_curve=training.metrics.curve,
        seconds=round(training.metrics.seconds, 3),
        batch_size=training.batch_size,
        accumulation=training.accumulation,
        out_of_memory_retries=position.out_of_memory_retries,
        stopped_early=position.stopped_early,
        best_step=position.best_step if training.best_weights and position.best_step < position.step else None,
        precision="bfloat16" if training.stepper.uses_bfloat16 else "float32",
        device=device().type,
        resumed_from_step=resumed_from,
    )
    facts = result.to_json()
    del facts["model"]
    return result.model_copy(update={"model": context.commit(files, result=facts)})


def _weights_sha256(folder: Path) -> str:
    """Digest of the weight files in order of their names; of a single file it is that file's own sha256."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        with path.open("rb") as weights:
            while chunk := weights.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _seed_everything(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries draw from it
    torch.manual_seed(seed)
