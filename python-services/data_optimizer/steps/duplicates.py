"""Exact and near duplicates within one role, and texts that carry several labels.

Not covered: copies between roles (``guard``). Pairs come from ``wlops_ml.near_duplicates`` and are verified.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from data_optimizer.journal import Mask, Outcome, removal_where
from data_optimizer.working_rows import in_file_order
from wlops_common.contracts import TaskType
from wlops_ml.near_duplicates import near_repeats
from wlops_ml.overlap import NEAR_DUPLICATE_SIMILARITY
from wlops_ml.runs import Runs
from wlops_ml.text_columns import key_hashes, mixed


def without_exact_duplicates(rows: pl.DataFrame, task_type: TaskType) -> Outcome:
    """Keep the first row of each content in file order; of one text with several labels, the rows of the majority's label.

    Without a majority all rows of that text go. For generation, different completions of one prompt are all kept.
    """
    ordered = in_file_order(rows)
    keys = ordered["key"].to_numpy()
    is_label = task_type == "classification"
    outputs = ordered["wanted"].hash() if is_label else key_hashes(ordered["wanted"])
    contents = Runs.of(mixed(keys, outputs.to_numpy()))
    faults: dict[str, Mask] = {}
    if is_label:
        faults["same text, other label"] = contents.spread(_outvoted(keys[contents.first], contents.sizes))
    faults["duplicate"] = contents.places() > 0
    return removal_where(ordered, faults)


def _outvoted(keys: npt.NDArray[np.uint64], votes: npt.NDArray[np.int32]) -> Mask:
    """Which contents, each with the key of its text and its number of rows, do not have more rows than every other of their key."""
    texts = Runs.of(keys)
    most = texts.spread(-texts.least(-votes))
    with_most = texts.spread(np.add.reduceat((votes == most)[texts.order], texts.starts, dtype=np.int32))
    outvoted: Mask = (votes < most) | (with_most > 1)
    return outvoted


def without_near_duplicates(rows: pl.DataFrame, task_type: TaskType) -> Outcome:
    """Drop a row that is nearly an earlier kept one with the same output and the same numbers.

    Two problems with different numbers are different problems, however alike their words. Looked for within near-duplicate groups,
    which hold all rows that are so alike.
    """
    ordered = in_file_order(rows)
    groups = Runs.of(ordered["group"].hash().to_numpy())
    together = np.flatnonzero(groups.spread(groups.sizes > 1))
    alike = ordered[together]
    # Equal prompts of different completions are different rows of a generation task.
    is_label = task_type == "classification"
    keys = alike["numbers"].hash().to_numpy()
    if is_label:
        keys = mixed(keys, alike["wanted"].hash().to_numpy())
    repeats = near_repeats(alike["given"], NEAR_DUPLICATE_SIMILARITY, pl.Series(keys), copies=is_label)
    mask = np.zeros(ordered.height, dtype=bool)
    mask[together[sorted(repeats)]] = True
    return removal_where(ordered, {"near-duplicate": mask})
