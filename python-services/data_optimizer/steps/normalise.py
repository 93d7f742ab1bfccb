"""Clean the texts and labels of rows. Not covered: which rows are of no use (``filters``)."""

from __future__ import annotations

import polars as pl

from data_optimizer.working_rows import with_keys
from wlops_common.contracts import TaskType
from wlops_ml.text_columns import clean_labels, clean_line_texts, clean_texts


def normalise(rows: pl.DataFrame, task_type: TaskType) -> pl.DataFrame:
    """The rows with clean texts and their keys. Labels that differ in case or spacing only get their commonest spelling."""
    return one_spelling(clean(rows, task_type), task_type)


def clean(rows: pl.DataFrame, task_type: TaskType) -> pl.DataFrame:
    """The rows with clean texts and their keys: what can be done to a part of a file."""
    wanted = clean_labels(rows["wanted"]) if task_type == "classification" else clean_line_texts(rows["wanted"])
    return with_keys(rows.with_columns(clean_texts(rows["given"]), wanted))


def one_spelling(rows: pl.DataFrame, task_type: TaskType) -> pl.DataFrame:
    """The rows, with labels that differ in case only in their commonest spelling: what takes the whole file."""
    if task_type != "classification":
        return rows
    counts = dict(rows["wanted"].value_counts().iter_rows())
    spelling_of: dict[str, str] = {}
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        spelling_of.setdefault(label.casefold(), label)
    changed = {label: spelling for label in counts if (spelling := spelling_of[label.casefold()]) != label}
    return rows.with_columns(pl.col("wanted").replace(changed)) if changed else rows
