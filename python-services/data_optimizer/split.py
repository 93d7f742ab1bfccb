"""The split: near-duplicate groups, and which role each group gets by its hash and the seed. Made once per task, then frozen.

Not covered: copies between the user's own files, which ``guard.purge`` takes out before roles are given.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from wlops_common.contracts import TaskType
from wlops_ml.maths import operations
from wlops_ml.near_duplicates import near_duplicate_groups
from wlops_ml.overlap import NEAR_DUPLICATE_SIMILARITY
from wlops_ml.runs import Integers, Runs
from wlops_ml.text_columns import slices

Shares = dict[str, float]
ROLES = ["mine", "pool", "select", "test", "train"]

CARVED_ALL: Shares = {"train": 0.7, "mine": 0.1, "select": 0.1, "test": 0.1}
CARVED_BESIDE_TEST: Shares = {"train": 0.84, "mine": 0.08, "select": 0.08}
FROM_VALIDATION: Shares = {"mine": 1 / 3, "select": 1 / 3, "test": 1 / 3}
FROM_VALIDATION_BESIDE_TEST: Shares = {"mine": 0.5, "select": 0.5}

#: Rows that `mine` and `select` should have: with fewer, a difference of a few points is noise, and so are the loop's decisions.
WANTED_HELD_OUT_ROWS = 1_000
#: At most this share of the pool goes to each of the two where the training file is too small for them.
_MAX_POOL_SHARE = 0.1


def with_groups(rows: pl.DataFrame, task_type: TaskType, scratch: Path | None = None) -> pl.DataFrame:
    """Name each row's near-duplicate group after the lowest id in it. ``scratch`` is the folder for temporary files.

    Rows with one match key are always together. For generation, rows that differ in their numbers are different problems.
    """
    keys = rows["numbers"].hash() if task_type == "generation" else None
    joined = near_duplicate_groups(rows["given"], NEAR_DUPLICATE_SIMILARITY, keys, scratch)
    groups = Runs.of(joined)
    named = rows["id"].gather(groups.spread(_first_ids(groups, rows["id"])))
    return rows.with_columns(named.alias("group"))


def _first_ids(groups: Runs, ids: pl.Series) -> Integers:
    """The row with the lowest id of each run, shape ``(runs,)``."""
    first = groups.first.copy()
    several = np.flatnonzero(groups.sizes > 1)
    rows = groups.order[np.repeat(groups.sizes > 1, groups.sizes)]
    members = pl.DataFrame({"run": np.repeat(several, groups.sizes[several]), "row": rows, "id": ids.gather(rows)})
    lowest = members.sort("run", "id").unique("run", keep="first", maintain_order=True)
    first[lowest["run"].to_numpy()] = lowest["row"].to_numpy()
    return first


def shares_for(file: str, files: set[str]) -> Shares:
    """How the rows of one of the user's files are divided, given which files there are."""
    if file == "training" and "validation" not in files:
        return CARVED_BESIDE_TEST if "test" in files else CARVED_ALL
    if file == "validation":
        return FROM_VALIDATION_BESIDE_TEST if "test" in files else FROM_VALIDATION
    return {{"training": "train", "test": "test", "pool": "pool"}[file]: 1.0}


def with_roles(rows: pl.DataFrame, task_type: TaskType, seed: int) -> pl.DataFrame:
    """Give every row the role of its group. Groups must not span files (``guard.purge``)."""
    files = set(rows["file"].unique().to_list())
    roles = pl.Series([None], dtype=pl.Enum(ROLES)).new_from_index(0, rows.height)
    for file in sorted(files):
        own = (rows["file"] == file).arg_true()
        there = rows if len(own) == rows.height else rows[own]
        roles = roles.scatter(own, _assign(there, shares_for(file, files), task_type, seed))
    if "pool" in files and "validation" not in files:
        roles = _topped_up(rows, roles, task_type, seed)
    return rows.with_columns(roles.cast(rows["role"].dtype).alias("role"))


def _topped_up(rows: pl.DataFrame, roles: pl.Series, task_type: TaskType, seed: int) -> pl.Series:
    """The roles with pool groups taken for `mine` and `select` where fewer rows were carved for these from the training file than wanted.

    The pool holds rows of the same kind which nobody has trained on. Of classification rows only those whose label training has are taken.
    """
    carved, pool = rows["file"] == "training", rows["file"] == "pool"
    known = pool
    if task_type == "classification":
        known = pool & rows["wanted"].is_in(rows["wanted"].filter(carved & (roles == "train")).unique().implode())
    places = known.arg_true()
    shares: Shares = {"pool": 1.0}
    for role in ("mine", "select"):
        missing = WANTED_HELD_OUT_ROWS - len((carved & (roles == role)).arg_true())
        share = min(max(0, missing) / max(1, len(places)), _MAX_POOL_SHARE)
        if share > 0:
            shares[role] = share
            shares["pool"] -= share
    if len(shares) == 1:
        return roles
    # By group, since a group may hold rows of other labels too.
    assigned = pl.DataFrame(
        [rows["group"].gather(places), _assign(rows[places], shares, task_type, seed).alias("role")]
    )
    role_of = dict(assigned.filter(pl.col("role") != "pool").unique().iter_rows())
    moved = (pool & rows["group"].is_in([*role_of])).arg_true()
    return roles.scatter(moved, rows["group"].gather(moved).replace_strict(role_of, return_dtype=roles.dtype))


def _assign(rows: pl.DataFrame, shares: Shares, task_type: TaskType, seed: int) -> pl.Series:
    """Role of each row by its group: within a stratum by the order of their hashes, what is owed to a role carried over to the next one.

    Shares are of rows. So each class gets its share to within one group, small classes too, and the first group of a class goes to the
    first role. A group of more rows than the smallest share holds would be most of its role: it goes to the first, beyond its share.
    """
    groups = Runs.of(rows["group"].hash().to_numpy())
    first = _first_ids(groups, rows["id"])
    strata = _strata(rows["wanted"].gather(first), task_type)
    fits = groups.sizes <= max(1.0, min(shares.values()) * rows.height)
    role_of = np.zeros(len(first), dtype=np.int8)  # The first role.
    order = np.lexsort((_hashes(seed, rows["group"].gather(first)), strata))
    order = order[fits[order]]
    begins = np.diff(strata[order], prepend=-1) > 0
    owed = [0.0] * len(shares)
    portions, places = list(shares.values()), range(len(shares))
    for group, size, opens in zip(order.tolist(), groups.sizes[order].tolist(), begins.tolist(), strict=True):
        for role in places:
            owed[role] += portions[role] * size
        chosen = 0 if opens else max(places, key=owed.__getitem__)
        owed[chosen] -= size
        role_of[group] = chosen
    names = pl.Series(list(shares), dtype=pl.Enum(ROLES))
    return names.gather(groups.spread(role_of))


def _strata(outputs: pl.Series, task_type: TaskType) -> Integers:
    """A number per output, ascending as the names of the strata do: labels, or the operations of a worked answer."""
    names = outputs
    if task_type == "generation":
        names = pl.Series([" ".join(operations(text)) for text in outputs.to_list()], dtype=pl.String)
    known = names.unique().sort()
    return names.replace_strict(known, pl.Series(range(len(known))), return_dtype=pl.Int32).to_numpy()


def _hashes(seed: int, groups: pl.Series) -> npt.NDArray[Any]:
    """The beginning of sha256 over the seed and each name, as a number: the order in which groups get their roles."""
    digests = b"".join(
        sha256(f"{seed}:{group}".encode()).digest()[:8] for part in slices(groups) for group in part.to_list()
    )
    return np.frombuffer(digests, dtype=">u8")
