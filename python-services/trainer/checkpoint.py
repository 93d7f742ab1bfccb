"""Checkpoints in the bucket: everything a training needs to go on as if it had never stopped.

``<attempt>/checkpoint-<step>/`` holds the trainable weights, the optimizer, the random generators and the position; its manifest,
with the sha256 of each file, is written last. The last two are kept.

Only a sound state is saved by itself (``Training.is_sound``): one whose loss has exploded displaces nothing. A pause saves any state, for
the training must go on as if it had not been; its checkpoint then names the last sound one. Not here: the files (``checkpoint_files``).
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trainer.checkpoint_files import read_facts, read_state, write_state
from trainer.checkpoint_search import checkpoints_below, write_index
from trainer.loop import Training
from wlops_common.contracts import ObjectRef, TrainRequest
from wlops_common.errors import ArtifactChanged, ArtifactError
from wlops_common.job_context import JobContext
from wlops_common.manifest import AlreadyCommitted, download_manifest, read_manifest, write_manifest

_KEPT = 2
#: Saving may cost at most this share of the time, whatever interval was asked for.
_MAX_SAVING_SHARE = 0.05

#: Hyperparameters that ``resumeFrom`` may change, so that a training that diverged can go on more carefully from its last good
#: checkpoint. The others say what the state means: its tensors, and how many rows a step and how many steps an epoch has.
_MAY_DIFFER = frozenset(
    {
        "learning_rate", "weight_decay", "warmup_ratio", "max_grad_norm", "label_smoothing", "dropout", "lora_dropout",
        "early_stopping_patience", "checkpoint_interval_seconds", "mixed_precision", "gradient_checkpointing",
    }
)  # fmt: skip


class Saved(NamedTuple):
    """A checkpoint: the step it was taken after, and its manifest."""

    step: int
    manifest: ObjectRef


@dataclass
class Checkpoints:
    """The checkpoints of one attempt, and those of earlier attempts to continue from."""

    context: JobContext
    request: TrainRequest
    interval_seconds: float
    #: Those of this attempt, oldest first; all are sound but the one of a pause, which is the last.
    saved: list[Saved] = field(default_factory=list)
    #: The checkpoint this attempt went on from, or the last sound one before it.
    sound_before: Saved | None = None
    _next_at: float = field(default=0.0, repr=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        self._next_at = time.monotonic() + self.interval_seconds

    def save_if_due(self, training: Training) -> None:
        """Save a sound state when the interval has passed; one that is not is looked at again before long."""
        started = time.monotonic()
        if started < self._next_at:
            return
        if training.is_sound():
            self._save(training, is_sound=True)
        else:
            self._wait(started, at_least=0)

    def save_last_good(self, training: Training) -> ObjectRef | None:
        """After a divergence: a checkpoint of now where the weights are sound, else the newest sound one from which a step was taken.

        A step whose loss or gradient is not finite may be the fault of its own rows or of the weights, which the rows of the step
        before tell apart (``Training.is_sound``): where the loss on these is sound, one hostile batch was to blame and the weights of
        now are good. A loss on mine that is not finite always speaks against them.

        None when no step was taken, or the weights went wrong before the first checkpoint.
        """
        step = training.position.step
        if step > 0 and training.is_sound():
            return self._save(training, is_sound=True)
        before = [saved for saved in (self.sound_before, *self.saved) if saved is not None and saved.step < step]
        return before[-1].manifest if before else None

    def save(self, training: Training) -> ObjectRef:
        """Save now, sound or not, and answer with the checkpoint's manifest."""
        return self._save(training, is_sound=training.is_sound())

    def restore(self, training: Training) -> int | None:
        """Put the training where it last stood: an earlier attempt's newest whole checkpoint, else ``resumeFrom``.

        Where neither is there, the newest whole and sound checkpoint of an earlier segment. Returns the step, or None when there is
        nothing to continue from.

        Raises:
            ArtifactMissing, ArtifactChanged: ``resumeFrom`` is damaged or belongs to another training.
        """
        own = checkpoints_below(self.context.store, self.request.output_prefix, at_least=self.context.attempt)
        if (step := self._restore_first(training, own, only_sound=False)) is not None:
            return step
        if self.request.resume_from is not None:
            return self._restore(training, self.request.resume_from, only_sound=False)
        for prefix in self.request.earlier_prefixes:
            found = checkpoints_below(self.context.store, prefix)
            if (step := self._restore_first(training, found, only_sound=True)) is not None:
                return step
        return None

    def _restore_first(self, training: Training, refs: Iterable[ObjectRef], *, only_sound: bool) -> int | None:
        """Continue from the first of these that can be; the step, or None where none can."""
        for ref in refs:
            try:
                return self._restore(training, ref, only_sound=only_sound)
            except (ArtifactError, _Unsound) as fault:
                self.context.log("checkpoint skipped", key=ref.key, reason=str(fault))
        return None

    def _save(self, training: Training, *, is_sound: bool) -> ObjectRef:
        """Save now; the same step is saved once. Older ones than the last two are removed."""
        step, last = training.position.step, self.saved[-1] if self.saved else self.sound_before
        if self.saved and self.saved[-1].step == step:
            return self.saved[-1].manifest
        started = time.monotonic()
        folder = self.context.work_dir / "checkpoint"
        folder.mkdir(exist_ok=True)
        write_state(
            training,
            folder,
            {
                "fingerprint": _fingerprint(self.request),
                "isSound": is_sound,
                "lastSound": None if last is None else {"step": last.step, "manifest": last.manifest.to_json()},
            },
        )
        prefix = f"{self.context.attempt_prefix}checkpoint-{step}/"
        files = {path.name: self.context.store.upload(prefix + path.name, path) for path in sorted(folder.iterdir())}
        ref = self._list(prefix, files, step)
        self._keep(Saved(step, ref))
        elapsed = self._wait(started, at_least=self.interval_seconds)
        self.context.log("checkpoint saved", step=step, isSound=is_sound, seconds=round(elapsed, 3))
        return ref

    def _list(self, prefix: str, files: dict[str, ObjectRef], step: int) -> ObjectRef:
        """Write the checkpoint's manifest."""
        store, facts = self.context.store, {"step": step}
        for _ in range(2):
            try:
                return write_manifest(
                    store, job_key=self.request.job_key, output_prefix=prefix, files=files, facts=dict(facts)
                )
            except AlreadyCommitted as older:
                # Of this attempt's number before the job store was lost; its files have just been written over.
                store.delete(older.ref.key)
        raise ArtifactChanged(f"Somebody else writes to {prefix}.", details={"key": prefix})

    def _wait(self, started: float, *, at_least: float) -> float:
        """Put off the next look so that what has ended now costs no more than its share; how long it took."""
        elapsed = time.monotonic() - started
        self._next_at = time.monotonic() + max(at_least, elapsed / _MAX_SAVING_SHARE)
        return elapsed

    def _restore(self, training: Training, ref: ObjectRef, *, only_sound: bool) -> int:
        folder = self.context.work_dir / "resume"
        shutil.rmtree(folder, ignore_errors=True)  # of one that was damaged
        folder.mkdir()
        download_manifest(self.context.store, ref, folder)
        state = read_facts(folder)
        is_sound = state.get("isSound", True)
        if only_sound and not is_sound:
            raise _Unsound("its loss had exploded")
        changed = _differences(state["fingerprint"], _fingerprint(self.request))
        if not changed <= _MAY_DIFFER:
            raise ArtifactChanged(
                f"The checkpoint belongs to a training with other {', '.join(sorted(changed - _MAY_DIFFER))}.",
                details={"key": ref.key, "differ": sorted(changed - _MAY_DIFFER)},
            )
        read_state(training, folder)
        self.sound_before = Saved(training.position.step, ref) if is_sound else _last_sound(state)
        self.context.log("training continues", step=training.position.step, checkpoint=ref.key, changed=sorted(changed))
        return training.position.step

    def _keep(self, saved: Saved) -> None:
        """Record the checkpoint in the attempt's index and drop the oldest beyond those kept."""
        store, dropped = self.context.store, self.saved[: -_KEPT + 1]
        self.saved = [*self.saved[-_KEPT + 1 :], saved]
        write_index(store, self.request.output_prefix, self.context.attempt, [kept.manifest for kept in self.saved])
        for old in dropped:
            for file in read_manifest(store, old.manifest).files:
                store.delete(file.key)
            store.delete(old.manifest.key)


def left_by_earlier_attempts(context: JobContext, request: TrainRequest) -> ObjectRef | None:
    """The newest checkpoint that an earlier attempt of this job has left, or None; only its manifest is looked at."""
    if context.attempt == 1:
        return None
    for ref in checkpoints_below(context.store, request.output_prefix, at_least=context.attempt):
        with contextlib.suppress(ArtifactError):
            read_manifest(context.store, ref)
            return ref
    return None


class _Unsound(Exception):
    """A checkpoint that only the segment it was handed to may continue."""


def _last_sound(state: dict[str, Any]) -> Saved | None:
    """The last sound checkpoint before one that is not."""
    last = state["lastSound"]
    return None if last is None else Saved(last["step"], ObjectRef.model_validate(last["manifest"]))


def _fingerprint(request: TrainRequest) -> dict[str, Any]:
    """What must be equal for a checkpoint to be continued."""
    return {
        "model": request.model_name,
        "taskType": request.task_type,
        "hyperparameters": request.hyperparameters,
        "seed": request.seed,
        "trainSha256": request.train.sha256,
    }


def _differences(saved: dict[str, Any], asked: dict[str, Any]) -> set[str]:
    """Names of what differs, as users know them; hyperparameters each by its own."""
    given, wanted = saved["hyperparameters"], asked["hyperparameters"]
    names = {"model": "model", "taskType": "taskType", "seed": "seed", "trainSha256": "rows"}
    own = {names[key] for key in names if asked[key] != saved[key]}
    return own | {name for name in given | wanted if given.get(name) != wanted.get(name)}
