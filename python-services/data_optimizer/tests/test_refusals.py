from __future__ import annotations

import json

import polars as pl
import pytest

from data_optimizer.refusals import refuse_too_small, refuse_unscorable
from data_optimizer.tests.test_split import _divided, _together
from data_optimizer.tests.test_steps import table
from data_optimizer.tests.workplace import Workplace, csv_file, sentences
from wlops_common.errors import DatasetTooSmall, MetricUnknown


def test_too_few_rows_or_labels_are_refused_with_the_counts() -> None:
    small = _divided(_together(table([(text, "ab"[index % 2]) for index, text in enumerate(sentences(15, 9))])))
    with pytest.raises(
        DatasetTooSmall, match=r"training data 1?\d rows? remains?; at least 20 rows are needed\. Upload"
    ):
        refuse_too_small(small, "classification", {})
    one_label = _divided(_together(table([(text, "a") for text in sentences(100, 9)])))
    with pytest.raises(DatasetTooSmall, match="1 label"):
        refuse_too_small(one_label, "classification", {})


def test_a_file_in_which_each_row_has_a_label_of_its_own_is_told_so(workplace: Workplace) -> None:
    lines = [f"{text},label {number}" for number, text in enumerate(sentences(120, 3))]
    with pytest.raises(DatasetTooSmall, match=r"role 'mine'\. The 120 rows have 120 different labels.* another column"):
        workplace.optimise({"source": "\n".join(["text,label", *lines]).encode()})


def _replies(count: int, seed: int = 9, *, answer: str = "") -> bytes:
    """Prompts with a reply of two lines and numbers, which states no final answer, unless ``answer`` ends it."""
    texts = sentences(count, seed)
    rows = [
        {
            "prompt": f"Tell me about {text}",
            "completion": f"Of course.\nYou ask about {text}, and about {text}.{answer}",
        }
        for text in texts
    ]
    return "\n".join(map(json.dumps, rows)).encode()


@pytest.mark.parametrize("metric", [None, "exact_match_strict"])
def test_free_text_is_refused_before_training_unless_its_loss_is_asked_for(
    workplace: Workplace, metric: str | None
) -> None:
    with pytest.raises(
        DatasetTooSmall, match=r"None of the \d+ mine rows .* free text is for the metric `loss`"
    ) as told:
        workplace.optimise({"source": _replies(200)}, metric=metric)
    assert (told.value.details or {})["field"] == "metric"
    assert workplace.optimise({"source": _replies(200)}, metric="loss").train.rows > 100


def test_a_test_file_without_one_answer_is_refused_at_the_start_not_after_the_last_iteration(
    workplace: Workplace,
) -> None:
    answered, free = _replies(200, answer="\n#### 4"), _replies(60, 10)
    with pytest.raises(DatasetTooSmall, match="None of the 60 test rows"):
        workplace.optimise({"source": answered, "test": free})
    assert workplace.optimise({"source": answered, "test": _replies(60, 10, answer="\n#### 4")}).test is not None


@pytest.mark.parametrize("role", ["mine", "select", "test"])
def test_half_of_each_held_out_role_must_have_an_answer(role: str) -> None:
    """Free text with a lone number here and there is free text."""
    free = "On the way.\n1 or 2."
    rows = table([(free, "x")] * 6, task_type="generation")
    rows = rows.with_columns(pl.Series("wanted", ["4", free, free, "See PEP 302.", "4", "4"]))
    others = [one for one in ("mine", "select", "test") if one != role]
    split = rows.with_columns(pl.Series("role", [role] * 4 + others))
    refuse_unscorable(split, "generation", "exact_match")
    with pytest.raises(DatasetTooSmall, match=f"Only 1 of the 3 {role} rows has an answer"):
        refuse_unscorable(split[1:], "generation", "exact_match")
    refuse_unscorable(split[1:], "generation", "loss")
    refuse_unscorable(split[1:], "classification", "accuracy")


def test_a_metric_of_another_task_type_is_refused_as_soon_as_the_type_is_known(workplace: Workplace) -> None:
    with pytest.raises(MetricUnknown, match="'exact_match' does not exist for classification; choose one of: accuracy"):
        workplace.optimise({"source": csv_file(100)}, metric="exact_match")
