"""Cap the rows of a class and of a near-duplicate group in training. Off unless asked for: what is common should be learned as common.

Of a group the representative, its lowest id, stays first; otherwise the choice falls by a hash, the same for the same seed. What feedback
adds gets what room the rows that are there leave.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from data_optimizer.journal import Outcome, removal_where
from wlops_ml.runs import Runs


def capped(
    rows: pl.DataFrame, seed: int, *, per_class: int | None = None, per_group: int | None = None, new: int | None = None
) -> Outcome:
    """Take out what is more than ``per_group`` rows of a group, then more than ``per_class`` of a label; None is no cap.

    Of the last ``new`` rows only, where that is given: those before them stay and count.
    """
    there = rows.height - (rows.height if new is None else new)
    before, added = rows.head(there), rows.tail(rows.height - there)
    beyond_group = np.zeros(added.height, dtype=bool)
    if per_group is not None:
        beyond_group = _places(before["group"], added["group"], added["id"].rank("ordinal").to_numpy()) >= per_group
    beyond_class = np.zeros(added.height, dtype=bool)
    if per_class is not None:
        left = np.flatnonzero(~beyond_group)
        order = np.array([_chance(seed, one) for one in added["id"].gather(left)], dtype=np.uint64)
        beyond_class[left] = _places(before["wanted"], added["wanted"].gather(left), order) >= per_class
    kept, removed = removal_where(
        added, {"more rows than the cap of a group": beyond_group, "more rows than the cap of a class": beyond_class}
    )
    return pl.concat([before, kept]), removed


def _places(before: pl.Series, added: pl.Series, order: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """For each added row how many of its name come before it: those that were there, and added ones by ``order``."""
    ranked = np.argsort(order)
    places: npt.NDArray[np.int64] = np.empty(len(order), dtype=np.int64)
    places[ranked] = Runs.of(added.gather(ranked).hash().to_numpy()).places()
    there = before.filter(before.is_in(added.unique().implode())).alias("name").value_counts()
    counts = added.alias("name").to_frame().join(there, on="name", how="left", maintain_order="left")["count"]
    places += counts.fill_null(0).to_numpy()
    return places


def _chance(seed: int, name: str) -> int:
    return int.from_bytes(sha256(f"{seed}:cap:{name}".encode()).digest()[:8], "big")
