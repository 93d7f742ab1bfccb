"""Clean the texts and labels of rows, and take out rows that nothing can be learned from."""

from __future__ import annotations

import re
from collections import Counter

import polars as pl

from data_optimizer.journal import Outcome, removal
from data_optimizer.working_rows import with_keys
from wlops_common.contracts import TaskType
from wlops_ml.text import clean_lines, clean_text

#: Longer inputs are whole documents pasted into a field; no built-in model reads that far.
MAX_CHARACTERS = 32_768
_REFUSAL = re.compile(
    r"^(?:i'm sorry,? but (?:i|as)|i apologi[sz]e,? but i|as an ai(?: language)? model|i cannot (?:assist|help|answer|provide)|"
    r"i can't (?:assist|help with|answer))",
    re.IGNORECASE,
)


def normalise(rows: pl.DataFrame, task_type: TaskType) -> pl.DataFrame:
    """The rows with clean texts and their keys. Labels that differ in case or spacing only get their commonest spelling."""
    given = [clean_text(text) for text in rows["given"].to_list()]
    if task_type == "classification":
        wanted = _one_spelling([clean_text(text) for text in rows["wanted"].to_list()])
    else:
        wanted = [clean_lines(text) for text in rows["wanted"].to_list()]
    return with_keys(
        rows.with_columns(pl.Series("given", given, dtype=pl.String), pl.Series("wanted", wanted, dtype=pl.String))
    )


def usable(rows: pl.DataFrame, task_type: TaskType) -> Outcome:
    """Take out rows without input or output, and training rows that are far too long or hold a refusal for an answer."""
    output = "label" if task_type == "classification" else "completion"
    return removal(rows, [_fault(row, task_type, output) for row in rows.iter_rows(named=True)])


def _fault(row: dict[str, str], task_type: TaskType, output: str) -> str | None:
    if not row["given"]:
        return "empty text" if task_type == "classification" else "empty prompt"
    if not row["wanted"]:
        return f"empty {output}"
    if row["file"] in ("training", "pool"):
        if len(row["given"]) > MAX_CHARACTERS or len(row["wanted"]) > MAX_CHARACTERS:
            return f"longer than {MAX_CHARACTERS} characters"
        if task_type == "generation" and _REFUSAL.match(row["wanted"]):
            return "refused answer"
    return None


def _one_spelling(labels: list[str]) -> list[str]:
    spellings: dict[str, Counter[str]] = {}
    for label, count in Counter(labels).items():
        spellings.setdefault(label.casefold(), Counter())[label] = count
    commonest = {folded: min(counts, key=lambda label: (-counts[label], label)) for folded, counts in spellings.items()}
    return [commonest[label.casefold()] for label in labels]
