"""Rows whose label the training side lacks.

Held-out ones, which no model can get right, are counted and stay: the user's test is as it is. Those of the pool are set aside: most are
slips of the pen, and to train on them would give the model classes that nobody asked for.
"""

from __future__ import annotations

import polars as pl

from data_optimizer.journal import Outcome, Role, removal
from wlops_common.contracts import UnknownLabels


def without_unknown(rows: pl.DataFrame) -> Outcome:
    """Take out the pool rows whose label no row of the training file has."""
    known = rows.filter(pl.col("file") == "training")["wanted"].unique()
    is_foreign = (pl.col("file") == "pool") & ~pl.col("wanted").is_in(known.implode())
    reason = pl.when(is_foreign).then(pl.lit("label that the training file does not have"))
    return removal(rows, rows.select(reason.alias("reason")).to_series())


def count_unknown(train: pl.DataFrame, held_out: pl.DataFrame) -> dict[Role, UnknownLabels]:
    """For each role the rows, and the different labels, that training lacks; roles without any are left out. Labels are not named."""
    foreign = held_out.filter(
        ~pl.col("wanted").cast(pl.String).is_in(train["wanted"].cast(pl.String).unique().implode())
    )
    counts = foreign.group_by(pl.col("role").cast(pl.String)).agg(pl.len(), pl.col("wanted").n_unique()).sort("role")
    return {role: UnknownLabels(rows=rows, labels=labels) for role, rows, labels in counts.iter_rows()}
