"""What the tests of a teacher share: an iteration that has one, and what it wrote."""

from __future__ import annotations

from typing import Any

import polars as pl

from data_optimizer.tests.fake_teacher import Answer, Call, fake_teacher
from data_optimizer.tests.test_feedback import finding
from data_optimizer.tests.workplace import Workplace, labelled_csv, topics
from wlops_common.contracts import OptimizeResult

FILES = {"source": labelled_csv(topics(300, 1)), "validation": labelled_csv(topics(600, 2))}


def asked_iteration(
    workplace: Workplace, answer: Answer, kind: str = "generate"
) -> tuple[OptimizeResult, dict[str, Any], list[Call]]:
    """An iteration with one finding about label c2, what its log tells of the teacher, and the calls it made."""
    first = workplace.optimise(FILES)
    with fake_teacher(answer) as server:
        workplace.extras = server.extras
        later = workplace.improve(FILES, first, [finding(kind, "label", "c2")])
    return later, workplace.json(later.log)["recipe"]["teacher"], server.calls


def written_rows(workplace: Workplace, result: OptimizeResult) -> pl.DataFrame:
    """The training rows that the teacher wrote."""
    return workplace.rows(result.train).filter(pl.col("source") == "teacher")
