"""Cap the rows of a class and of a near-duplicate group in training. Off unless asked for: what is common should be learned as common.

Of a group the representative, its lowest id, stays first; otherwise the choice falls by a hash, the same for the same seed. What feedback
adds comes after the rows that are there.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import polars as pl

from data_optimizer.journal import Outcome, removal_where
from wlops_ml.runs import Runs


def capped(
    rows: pl.DataFrame, seed: int, *, per_class: int | None = None, per_group: int | None = None, new: int = 0
) -> Outcome:
    """Take out what is more than ``per_group`` rows of a group, then more than ``per_class`` of a label; None is no cap.

    The last ``new`` rows go before any other.
    """
    is_new = np.arange(rows.height) >= rows.height - new
    beyond_group = np.zeros(rows.height, dtype=bool)
    if per_group is not None:
        beyond_group = _places(rows["group"], is_new, rows["id"].rank("ordinal").to_numpy()) >= per_group
    beyond_class = np.zeros(rows.height, dtype=bool)
    if per_class is not None:
        order = np.array([_chance(seed, one) for one in rows["id"].to_list()], dtype=np.uint64)
        left = np.flatnonzero(~beyond_group)
        beyond_class[left] = _places(rows["wanted"].gather(left), is_new[left], order[left]) >= per_class
    return removal_where(
        rows, {"more rows than the cap of a group": beyond_group, "more rows than the cap of a class": beyond_class}
    )


def _places(names: pl.Series, is_new: np.ndarray, order: np.ndarray) -> np.ndarray:
    """For each row how many of its name come before it in this order, the new ones after all others."""
    ranked = np.lexsort((order, is_new))
    places = np.empty(len(order), dtype=np.int64)
    places[ranked] = Runs.of(names.gather(ranked).hash().to_numpy()).places()
    return places


def _chance(seed: int, name: str) -> int:
    return int.from_bytes(sha256(f"{seed}:cap:{name}".encode()).digest()[:8], "big")
