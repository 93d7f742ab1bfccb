"""Rows that nothing can be learned from: empty, endless, refused, or not like the others at all.

Held-out files only need inputs and outputs: how unusual their rows are is for the model to cope with. What is unusual in training is
judged by bounds far from anything that people write, so that no real row goes.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from data_optimizer.journal import Mask, Outcome, removal_where
from data_optimizer.steps.length_bounds import far_too_long
from data_optimizer.steps.repetition import repetitive
from data_optimizer.steps.script_share import foreign_script
from data_optimizer.steps.special_characters import mostly_special
from wlops_common.contracts import TaskType

#: Longer inputs are whole documents pasted into a field; no built-in model reads that far.
MAX_CHARACTERS = 32_768
_REFUSAL = (
    r"(?i)^(?:i'm sorry,? but (?:i|as)|i apologi[sz]e,? but i|as an ai(?: language)? model|i cannot (?:assist|help|answer|provide)|"
    r"i can't (?:assist|help with|answer))"
)


def usable(rows: pl.DataFrame, task_type: TaskType) -> Outcome:
    """Take out rows without input or output, and of the training and pool files those that are beyond use."""
    inputs, outputs = ("text", "label") if task_type == "classification" else ("prompt", "completion")
    given, wanted = rows["given"], rows["wanted"]
    faults: dict[str, Mask] = {
        f"empty {inputs}": (given == "").to_numpy(),
        f"empty {outputs}": (wanted == "").to_numpy(),
    }
    judged = rows["file"].is_in(["training", "pool"]).to_numpy()
    own = rows if judged.all() else rows.filter(judged)
    for reason, mask in _unusual(own["given"], own["wanted"], inputs, task_type).items():
        faults[reason] = np.zeros(rows.height, dtype=bool)
        faults[reason][judged] = mask
    return removal_where(rows, faults)


def _unusual(given: pl.Series, wanted: pl.Series, inputs: str, task_type: TaskType) -> dict[str, Mask]:
    faults = {
        f"longer than {MAX_CHARACTERS} characters": _too_long(given) | _too_long(wanted),
        f"{inputs} far longer than the others": far_too_long(given),
        f"{inputs} of mostly special characters": mostly_special(given),
        f"{inputs} that repeats itself": repetitive(given),
        f"{inputs} in another script than the others": foreign_script(given),
    }
    if task_type == "generation":
        faults["refused answer"] = wanted.str.contains(_REFUSAL).to_numpy()
        faults["completion far longer than the others"] = far_too_long(wanted)
        faults["completion that repeats itself"] = repetitive(wanted)
    return faults


def _too_long(texts: pl.Series) -> Mask:
    # A character has a byte at least, so that few texts need counting.
    long = texts.str.len_bytes() > MAX_CHARACTERS
    return (texts.str.len_chars() > MAX_CHARACTERS if long.any() else long).to_numpy()
