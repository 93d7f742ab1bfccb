"""One step: the gradients of its rows over one or more batches, checked, clipped and given to AdamW. All or nothing.

A step that cannot be taken (memory ran out, a number is not finite) leaves weights, optimizer and random generators as they were, so
that it can be repeated or a checkpoint be saved. Not here: which rows, how fast, and what to do then (``loop``).
"""

from __future__ import annotations

import contextlib
import gc
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.plan import TrainingPlan
from wlops_common.jobs.memory import is_out_of_memory
from wlops_ml.models.learner import Learner, computes_bfloat16, device

_BETAS = (0.9, 0.98)
#: What AdamW keeps for a parameter from its first step on.
_OPTIMIZER_STATE = ("step", "exp_avg", "exp_avg_sq")
#: Without clipping, gradients of tensors up to this size are looked at. Larger ones are embeddings and layers whose gradients flow
#: through smaller tensors as well; a pass over them would cost more than this check is worth, for the next loss tells too.
_CHECKED_ELEMENTS = 1 << 16


class OutOfMemory(Exception):
    """Memory ran out in a step, which has changed nothing."""


class NotFinite(Exception):
    """The loss or the gradient of a step is NaN or infinite; the step has changed nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was taken: loss summed (nats) over ``units`` rows or answer tokens, and length of the gradient where measured."""

    total: float
    units: int
    grad_norm: float | None

    @property
    def loss(self) -> float:
        """Mean loss in nats."""
        return self.total / max(self.units, 1)


class Stepper:
    """Takes steps with one learner."""

    def __init__(self, learner: Learner, plan: TrainingPlan) -> None:
        """Make the optimizer over the learner's trainable parameters."""
        self.learner = learner
        self.optimizer = torch.optim.AdamW(
            learner.parameter_groups(plan.weight_decay), lr=plan.learning_rate, betas=_BETAS, fused=True
        )
        self.uses_bfloat16 = plan.mixed_precision and computes_bfloat16()
        self._max_grad_norm = plan.max_grad_norm
        self._parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        self._check = _FiniteCheck([one for one in self._parameters if one.numel() <= _CHECKED_ELEMENTS])
        self._draws_on_gpu = device().type == "cuda"

    def take(self, rows: Sequence[int], *, batch_size: int, learning_rate: float) -> Step:
        """Take one step on these training rows, ``batch_size`` of them at a time.

        The loss is divided by the units of all batches before they are differentiated, so that the gradients are those of one large
        batch whatever the batch size, up to rounding.

        Raises:
            OutOfMemory, NotFinite: The step cannot be taken, and nothing has changed.
        """
        before = self._generators()
        try:
            return self._take(rows, batch_size, learning_rate)
        except NotFinite:
            _restore_generators(before)
            raise
        except (MemoryError, RuntimeError) as fault:
            if not is_out_of_memory(fault):
                raise
        # Only here is the fault gone, and with it its frames, which hold the tensors of the step.
        self._free()
        _restore_generators(before)
        raise OutOfMemory

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Where the model computes: in bfloat16 where that was asked for and the device can.

        Bfloat16 has the exponents of float32, so no loss scaling is needed; weights and optimizer stay in float32.
        """
        if not self.uses_bfloat16:
            return contextlib.nullcontext()
        return torch.autocast(device().type, dtype=torch.bfloat16)

    def _take(self, rows: Sequence[int], batch_size: int, learning_rate: float) -> Step:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self._drop_gradients()
        units = self.learner.units(rows, "train")
        total = 0.0
        for start in range(0, len(rows), batch_size):
            with self.autocast():
                loss = self.learner.loss(rows[start : start + batch_size], "train").total
            (loss / max(units, 1)).backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        if not math.isfinite(total):
            raise NotFinite(f"loss became {total}")
        norm = self._clip()
        self.optimizer.step()
        return Step(total, units, norm)

    def _clip(self) -> float | None:
        """Scale the gradients down to the longest that is allowed; their length before, or None where it was not measured."""
        if self._max_grad_norm == 0:
            if not self._check.passes():
                raise NotFinite("gradient became NaN or infinite")
            return None
        gradients = _gradients(self._parameters)
        norm = float(torch.nn.utils.get_total_norm(gradients))
        if not math.isfinite(norm):
            raise NotFinite(f"gradient became {norm}")
        if norm > self._max_grad_norm:
            torch._foreach_mul_(gradients, self._max_grad_norm / (norm + 1e-6))
        return norm

    def _drop_gradients(self) -> None:
        # What the optimizer's own method does, without its profiler, which costs a small model one percent of its time.
        for parameter in self._parameters:
            parameter.grad = None

    def _generators(self) -> tuple[Tensor, list[Tensor]]:
        return torch.get_rng_state(), torch.cuda.get_rng_state_all() if self._draws_on_gpu else []

    def _free(self) -> None:
        """Give back what the broken step holds."""
        self._drop_gradients()
        for parameter, state in list(self.optimizer.state.items()):
            if len(state) < len(_OPTIMIZER_STATE):
                # It ran out while the optimizer made this state, in the first step.
                del self.optimizer.state[parameter]
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


class _FiniteCheck:
    """Looks for NaN and infinity in the gradients of some parameters of one device.

    It is the check of ``torch.amp.GradScaler``, with the scale 1, which changes nothing: one pass over all of them costs less
    than a sum of each. A private function of the torch that the lock file pins; gradients must be dense.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = parameters
        place = parameters[0].device if parameters else None
        self._found, self._scale = torch.zeros((), device=place), torch.ones((), device=place)

    def passes(self) -> bool:
        """Whether all gradients that are there are finite."""
        gradients = _gradients(self._parameters)
        if gradients:
            torch._amp_foreach_non_finite_check_and_unscale_(gradients, self._found, self._scale)
        if not self._found.item():
            return True
        self._found.zero_()
        return False


def _gradients(parameters: Sequence[Tensor]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def _restore_generators(states: tuple[Tensor, list[Tensor]]) -> None:
    torch.set_rng_state(states[0])
    if states[1]:
        torch.cuda.set_rng_state_all(states[1])
