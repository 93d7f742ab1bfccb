"""Memory that runs out in a training ends it with what the user can do. Not here: the half batch that is tried first (``loop``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wlops_common.errors import ResourceExhausted
from wlops_common.jobs.memory import is_out_of_memory

#: What takes less memory, by hyperparameter, the cheapest first: in a forward and backward pass, and for the weights themselves.
_SAVINGS_OF_BATCHES = {
    "batch_size": "a smaller batch_size (gradient_accumulation_steps makes up for it)",
    "max_length": "a smaller max_length",
    "gradient_checkpointing": "gradient_checkpointing: true",
}
_SAVINGS_OF_WEIGHTS = {
    "fine_tuning": "fine_tuning: lora",
    "max_features": "fewer max_features",
    "hidden_size": "a smaller hidden_size",
}


@contextmanager
def memory_advice_while(doing: str, hyperparameters: Mapping[str, Any], *, in_batches: bool) -> Iterator[None]:
    """Let memory that runs out in the block end as ``ResourceExhausted`` with advice for these (complete) hyperparameters.

    ``doing`` says what the block does; ``in_batches`` that the size of batches matters to it.
    """
    advice = memory_advice(hyperparameters, in_batches=in_batches)
    try:
        yield
    except ResourceExhausted as fault:
        raise ResourceExhausted(f"{fault.message} {advice}", details=fault.details) from fault
    except (MemoryError, RuntimeError) as fault:
        if not is_out_of_memory(fault):
            raise
        field = "hyperparameters.batch_size" if in_batches else "modelName"
        raise ResourceExhausted(
            f"Memory ran out while {doing}. {advice}", details={"field": field}, detail=str(fault)
        ) from fault


def memory_advice(hyperparameters: Mapping[str, Any], *, in_batches: bool) -> str:
    """What a user can do when memory runs out, among the hyperparameters the model has; a sentence."""
    done = (True, "lora")
    savings = (_SAVINGS_OF_BATCHES if in_batches else {}) | _SAVINGS_OF_WEIGHTS
    fitting = [words for name, words in savings.items() if hyperparameters.get(name, True) not in done]
    return f"What helps: {', '.join([*fitting, 'a smaller model'])}, or a machine with more memory."
