"""The files of a checkpoint: weights, optimizer and generators as safetensors, the position as JSON. Reading one runs nothing.

Not here: when one is saved, where it goes, and which is continued (``checkpoint``).
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainer.loop import Training
from trainer.metrics import METRICS_NAME
from trainer.position import Position
from trainer.trainable import restore_weights, trainable_weights
from wlops_ml.models.weights import WEIGHTS_NAME, load_weights, save_weights

_OPTIMIZER_NAME = "optimizer.safetensors"
_BEST_NAME = "best.safetensors"
_STATE_NAME = "trainer_state.json"


def write_state(training: Training, folder: Path, facts: dict[str, Any]) -> None:
    """Write the training as it is now into the folder, with these facts of the checkpoint."""
    save_weights(trainable_weights(training.learner), folder / WEIGHTS_NAME)
    save_weights(_optimizer_tensors(training.stepper.optimizer) | _torch_generators(), folder / _OPTIMIZER_NAME)
    if training.best_weights:
        save_weights(training.best_weights, folder / _BEST_NAME)
    state = {
        **facts,
        "position": asdict(training.position),
        "metrics": training.metrics.state(),
        "generators": _other_generators(),
    }
    (folder / _STATE_NAME).write_text(json.dumps(state), encoding="utf-8")
    (folder / METRICS_NAME).write_bytes(training.metrics.file().read_bytes())


def read_facts(folder: Path) -> dict[str, Any]:
    """What the folder tells of the training besides its tensors: the facts of the checkpoint among it."""
    facts: dict[str, Any] = json.loads((folder / _STATE_NAME).read_text(encoding="utf-8"))
    return facts


def read_state(training: Training, folder: Path) -> None:
    """Put the training where it stood when the folder was written."""
    state = read_facts(folder)
    restore_weights(training.learner, load_weights(folder / WEIGHTS_NAME))
    tensors = load_weights(folder / _OPTIMIZER_NAME)
    _restore_optimizer(training.stepper.optimizer, tensors)
    if (folder / _BEST_NAME).exists():
        training.best_weights = load_weights(folder / _BEST_NAME)
    # A checkpoint of an older version was never saved before the epoch it ends was finished.
    training.position = Position(**{"epoch_ended_at": state["position"]["step"], **state["position"]})
    training.metrics.restore(state["metrics"])
    training.metrics.path.write_bytes((folder / METRICS_NAME).read_bytes())
    _restore_generators(tensors, state["generators"])


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """AdamW's moments and step counts by ``<parameter number>/<name>``. Its settings come from the plan and are not saved."""
    state: dict[int, dict[str, Tensor]] = optimizer.state_dict()["state"]
    return {f"{number}/{name}": value for number, entry in state.items() for name, value in entry.items()}


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, slash, name = key.partition("/")
        if slash:
            state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _torch_generators() -> dict[str, Tensor]:
    generators = {"generator.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        generators |= {f"generator.cuda.{n}": state for n, state in enumerate(torch.cuda.get_rng_state_all())}
    return generators


def _other_generators() -> dict[str, Any]:
    _, keys, *position = np.random.get_state(legacy=True)  # noqa: NPY002 - libraries draw from it, so it is part of the state
    return {"python": random.getstate(), "numpy": {"keys": np.asarray(keys).tolist(), "position": position}}


def _restore_generators(tensors: dict[str, Tensor], others: dict[str, Any]) -> None:
    torch.set_rng_state(tensors["generator.cpu"])
    cuda = [tensors[name] for name in sorted(tensors) if name.startswith("generator.cuda.")]
    if torch.cuda.is_available() and len(cuda) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(cuda)
    version, internal, gauss = others["python"]
    random.setstate((version, tuple(internal), gauss))
    numpy_state = ("MT19937", np.array(others["numpy"]["keys"], dtype=np.uint32), *others["numpy"]["position"])
    np.random.set_state(numpy_state)  # noqa: NPY002 - see _other_generators
