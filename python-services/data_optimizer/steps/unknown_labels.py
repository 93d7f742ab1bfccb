"""Held-out rows whose label no training row has: no model can get them right. Counted, not removed: the user's test stays."""

from __future__ import annotations

import polars as pl


def count_unknown(train: pl.DataFrame, held_out: pl.DataFrame) -> dict[str, dict[str, int]]:
    """For each role the rows, and the different labels, that training lacks; roles without any are left out. Labels are not named."""
    foreign = held_out.filter(
        ~pl.col("wanted").cast(pl.String).is_in(train["wanted"].cast(pl.String).unique().implode())
    )
    counts = foreign.group_by(pl.col("role").cast(pl.String)).agg(pl.len(), pl.col("wanted").n_unique()).sort("role")
    return {role: {"rows": rows, "labels": labels} for role, rows, labels in counts.iter_rows()}
