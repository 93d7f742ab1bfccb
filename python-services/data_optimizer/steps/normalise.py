"""Clean the texts and labels of rows, and take out rows that nothing can be learned from."""

from __future__ import annotations

import polars as pl

from data_optimizer.journal import Outcome, removal_where
from data_optimizer.working_rows import with_keys
from wlops_common.contracts import TaskType
from wlops_ml.text_columns import clean_line_texts, clean_texts

#: Longer inputs are whole documents pasted into a field; no built-in model reads that far.
MAX_CHARACTERS = 32_768
_REFUSAL = (
    r"(?i)^(?:i'm sorry,? but (?:i|as)|i apologi[sz]e,? but i|as an ai(?: language)? model|i cannot (?:assist|help|answer|provide)|"
    r"i can't (?:assist|help with|answer))"
)


def normalise(rows: pl.DataFrame, task_type: TaskType) -> pl.DataFrame:
    """The rows with clean texts and their keys. Labels that differ in case or spacing only get their commonest spelling."""
    return one_spelling(clean(rows, task_type), task_type)


def clean(rows: pl.DataFrame, task_type: TaskType) -> pl.DataFrame:
    """The rows with clean texts and their keys: what can be done to a part of a file."""
    wanted = clean_texts(rows["wanted"]) if task_type == "classification" else clean_line_texts(rows["wanted"])
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


def usable(rows: pl.DataFrame, task_type: TaskType) -> Outcome:
    """Take out rows without input or output, and training rows that are far too long or hold a refusal for an answer."""
    inputs, outputs = ("text", "label") if task_type == "classification" else ("prompt", "completion")
    given, wanted = rows["given"], rows["wanted"]
    own = rows["file"].is_in(["training", "pool"])
    # Few texts have that many bytes; only of those are characters counted.
    long = (given.str.len_bytes() > MAX_CHARACTERS) | (wanted.str.len_bytes() > MAX_CHARACTERS)
    if long.any():
        long = (given.str.len_chars() > MAX_CHARACTERS) | (wanted.str.len_chars() > MAX_CHARACTERS)
    faults = {
        f"empty {inputs}": (given == "").to_numpy(),
        f"empty {outputs}": (wanted == "").to_numpy(),
        f"longer than {MAX_CHARACTERS} characters": (own & long).to_numpy(),
    }
    if task_type == "generation":
        faults["refused answer"] = (own & wanted.str.contains(_REFUSAL)).to_numpy()
    return removal_where(rows, faults)
