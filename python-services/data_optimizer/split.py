"""The split: near-duplicate groups, and which role each group gets by its hash and the seed. Made once per task, then frozen.

Not covered: copies between the user's own files, which ``guard.purge`` takes out before roles are given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl

from wlops_common.contracts import TaskType
from wlops_common.errors import DatasetTooSmall
from wlops_ml.maths import operations
from wlops_ml.near_duplicates import near_duplicate_groups
from wlops_ml.overlap import NEAR_DUPLICATE_SIMILARITY

Shares = dict[str, float]

CARVED_ALL: Shares = {"train": 0.7, "mine": 0.1, "select": 0.1, "test": 0.1}
CARVED_BESIDE_TEST: Shares = {"train": 0.84, "mine": 0.08, "select": 0.08}
FROM_VALIDATION: Shares = {"mine": 1 / 3, "select": 1 / 3, "test": 1 / 3}
FROM_VALIDATION_BESIDE_TEST: Shares = {"mine": 0.5, "select": 0.5}

MINIMUM_TRAINING_ROWS = 20
#: Rows that `mine` and `select` should have: with fewer, a difference of a few points is noise, and so are the loop's decisions.
WANTED_HELD_OUT_ROWS = 400
#: At most this share of the pool goes to each of the two where the training file is too small for them.
_MAX_POOL_SHARE = 0.1
#: Reasons that a refusal names, the commonest first.
_REASONS_TOLD = 3


def with_groups(rows: pl.DataFrame, task_type: TaskType) -> pl.DataFrame:
    """Name each row's near-duplicate group after the lowest id in it.

    Rows with one match key are always together. For generation, rows that differ in their numbers are different problems.
    """
    keys = rows["numbers"].to_list() if task_type == "generation" else None
    joined = near_duplicate_groups(rows["given"].to_list(), NEAR_DUPLICATE_SIMILARITY, keys)
    named = rows.with_columns(pl.Series("_joined", joined)).with_columns(
        pl.col("id").min().over("_joined").alias("group")
    )
    return named.drop("_joined")


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
    role_of: dict[str, str] = {}
    for file in sorted(files):
        role_of |= _assign(rows.filter(pl.col("file") == file), shares_for(file, files), task_type, seed)
    if "pool" in files and "validation" not in files:
        role_of |= _topped_up(rows, role_of, task_type, seed)
    return rows.with_columns(pl.col("group").replace_strict(role_of, return_dtype=pl.String).alias("role"))


def _topped_up(rows: pl.DataFrame, role_of: Mapping[str, str], task_type: TaskType, seed: int) -> dict[str, str]:
    """Roles of the pool's groups where the rows carved from the training file for `mine` and `select` are fewer than wanted.

    The pool holds rows of the same kind which nobody has trained on. Of classification rows only those whose label training has are taken.
    """
    carved = rows.filter(pl.col("file") == "training").with_columns(
        pl.col("group").replace_strict(role_of, return_dtype=pl.String).alias("role")
    )
    pool = rows.filter(pl.col("file") == "pool")
    known = pool
    if task_type == "classification":
        known = pool.filter(
            pl.col("wanted").is_in(carved.filter(pl.col("role") == "train")["wanted"].unique().to_list())
        )
    shares: Shares = {"pool": 1.0}
    for role in ("mine", "select"):
        missing = WANTED_HELD_OUT_ROWS - carved.filter(pl.col("role") == role).height
        share = min(max(0, missing) / max(1, known.height), _MAX_POOL_SHARE)
        if share > 0:
            shares[role] = share
            shares["pool"] -= share
    return _assign(known, shares, task_type, seed) if len(shares) > 1 else {}


def _assign(rows: pl.DataFrame, shares: Shares, task_type: TaskType, seed: int) -> dict[str, str]:
    """Role of each group: within a stratum by the order of their hashes, what is owed to a role carried over to the next stratum.

    Shares are of rows. So each class gets its share to within one group, small classes too, and the first group of a class goes to the
    first role. A group of more rows than the smallest share holds would be most of its role: it goes to the first, beyond its share.
    """
    largest = max(1.0, min(shares.values()) * rows.height)
    first_role = next(iter(shares))
    ordered = rows.sort("group", "id").group_by("group", maintain_order=True)
    strata: dict[str, list[tuple[str, int]]] = {}
    for group, wanted, size in ordered.agg(pl.col("wanted").first(), pl.len()).iter_rows():
        stratum = wanted if task_type == "classification" else " ".join(operations(wanted))
        strata.setdefault(stratum, []).append((group, size))
    owed = dict.fromkeys(shares, 0.0)
    role_of: dict[str, str] = {}
    for stratum in sorted(strata):
        fitting = [(group, size) for group, size in strata[stratum] if size <= largest]
        role_of |= {group: first_role for group, size in strata[stratum] if size > largest}
        for place, (group, size) in enumerate(sorted(fitting, key=lambda one: _order(seed, one[0]))):
            for role, share in shares.items():
                owed[role] += share * size
            role = first_role if place == 0 else max(shares, key=lambda name: owed[name])
            owed[role] -= size
            role_of[group] = role
    return role_of


def _order(seed: int, group: str) -> str:
    return hashlib.sha256(f"{seed}:{group}".encode()).hexdigest()


def refuse_too_small(rows: pl.DataFrame, task_type: TaskType, removed: Mapping[str, int]) -> None:
    """Raise ``DatasetTooSmall`` where a role would stay empty or there is nothing to tell apart.

    ``removed``: rows taken out before, by reason; they are often why so few are left, and the message names them.
    """
    counts = dict(rows.group_by("role").len().iter_rows())
    most = sorted(removed.items(), key=lambda one: -one[1])[:_REASONS_TOLD]
    before = f" Taken out before: {', '.join(f'{reason} ({count})' for reason, count in most)}." if most else ""
    details = {"roles": counts, "removed": dict(most)}
    training = counts.get("train", 0)
    if training < MINIMUM_TRAINING_ROWS:
        remain = "1 row remains" if training == 1 else f"{training or 'no'} rows remain"
        raise DatasetTooSmall(
            f"Of the training data {remain}; at least {MINIMUM_TRAINING_ROWS} rows are needed.{before} Upload more rows, or others.",
            details={**details, "minimum": MINIMUM_TRAINING_ROWS},
        )
    for role in ("mine", "select", "test"):
        if not counts.get(role):
            raise DatasetTooSmall(
                f"No row remains for the role {role!r}.{before} Upload more rows, or more different ones.",
                details=details,
            )
    labels = rows.filter(pl.col("role") == "train")["wanted"].n_unique()
    if task_type == "classification" and labels < 2:
        raise DatasetTooSmall(
            f"The training rows have {labels} label; at least two are needed to learn a difference.",
            details={"labels": labels},
        )
