"""Rows of ``mine`` the model got wrong, most confident first, or by the metric ``loss`` those of the highest loss first.

Each comes with the training rows that look most like it.

Not here: rows of any other role. Bad cases are for people to read; what the loop learns from is in ``improvements``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluator.slices import Finding
from wlops_common.contracts import TaskType
from wlops_ml.features import words
from wlops_ml.rows import input_column, output_column
from wlops_ml.task_metrics import LOSS

MAX_BAD_CASES = 200
NEIGHBOURS = 3
#: Longer texts are cut in the report; the rows themselves stay in the bucket.
MAX_TEXT_CHARACTERS = 2000
_MAX_VOCABULARY = 100_000

Row = Mapping[str, Any]


def bad_cases(
    rows: Sequence[Row],
    wrong: Sequence[bool],
    predictions: Sequence[str],
    confidences: Sequence[float],
    losses: Sequence[float],
    findings: Sequence[Finding],
    train: Sequence[Row],
    metric: str,
    task_type: TaskType,
) -> list[dict[str, Any]]:
    """At most ``MAX_BAD_CASES`` errors, ready for JSON. All sequences but ``findings`` and ``train`` have one entry per row.

    In free text, where no answer is right as a whole, every row is an error, and only the loss tells which are bad.
    """
    badness = losses if metric == LOSS else confidences
    failed = [position for position in range(len(rows)) if wrong[position]]
    chosen = sorted(failed, key=lambda at: (-_known(badness[at]), str(rows[at]["id"])))[:MAX_BAD_CASES]
    names: dict[int, list[str]] = {position: [] for position in chosen}
    for finding in findings:
        for position in finding.rows:
            if int(position) in names:
                names[int(position)].append(finding.predicate.name)
    given, wanted = input_column(task_type), output_column(task_type)
    neighbours = _nearest([str(rows[position][given]) for position in chosen], train, given)
    return [
        {
            "id": rows[position]["id"],
            "input": _cut(rows[position][given]),
            "reference": _cut(rows[position][wanted]),
            "prediction": _cut(predictions[position]),
            "confidence": None if np.isnan(confidences[position]) else float(confidences[position]),
            "loss": None if np.isnan(losses[position]) else float(losses[position]),
            "slices": names[position],
            "nearest": [
                {
                    "id": train[at]["id"],
                    "input": _cut(train[at][given]),
                    "reference": _cut(train[at][wanted]),
                    "similarity": round(similarity, 4),
                }
                for at, similarity in near
            ],
        }
        for position, near in zip(chosen, neighbours, strict=True)
    ]


def _nearest(texts: Sequence[str], train: Sequence[Row], column: str) -> list[list[tuple[int, float]]]:
    """For each text the positions of the most similar training rows with their TF-IDF cosine, best first."""
    if not texts or not train:
        return [[] for _ in texts]
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(tokenizer=_terms, token_pattern=None, lowercase=False, max_features=_MAX_VOCABULARY)
    try:
        known = vectorizer.fit_transform([str(row[column]) for row in train])
    except ValueError:  # not one word among the training rows
        return [[] for _ in texts]
    similarities = (vectorizer.transform(texts) @ known.T).tocsr()
    found = []
    for position in range(len(texts)):
        start, end = similarities.indptr[position], similarities.indptr[position + 1]
        columns, values = similarities.indices[start:end], similarities.data[start:end]
        best = np.lexsort((columns, -values))[:NEIGHBOURS]
        found.append([(int(columns[at]), float(values[at])) for at in best])
    return found


def _terms(text: str) -> list[str]:
    # Two word problems are not alike because both have a 12 in them.
    return ["0" if word.isdecimal() else word for word in words(text)]


def _known(badness: float) -> float:
    return -1.0 if np.isnan(badness) else float(badness)


def _cut(text: Any) -> str:
    whole = str(text if text is not None else "")
    return whole if len(whole) <= MAX_TEXT_CHARACTERS else whole[: MAX_TEXT_CHARACTERS - 1] + "…"
