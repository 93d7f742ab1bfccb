from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_optimizer.split import with_groups
from data_optimizer.steps.duplicates import without_exact_duplicates, without_near_duplicates
from data_optimizer.steps.filters import usable
from data_optimizer.steps.normalise import normalise
from data_optimizer.steps.worked_answers import answers_are_worked, fault_of, targets_are_the_rule, verified
from data_optimizer.working_rows import SCHEMA
from wlops_common.contracts import TaskType
from wlops_ml.rows import content_ids

_TEXT = st.text(alphabet="ab ?1", max_size=8)


def table(pairs: list[tuple[str, str]], file: str = "training", task_type: TaskType = "classification") -> pl.DataFrame:
    rows = pl.DataFrame(
        [
            {
                "given": given,
                "wanted": wanted,
                "line": line,
                "file": file,
                "role": "train",
                "source": "original",
                "meta": "{}",
            }
            for line, (given, wanted) in enumerate(pairs, 1)
        ],
        schema={name: SCHEMA[name] for name in ("given", "wanted", "line", "file", "role", "source", "meta")},
    )
    clean = normalise(rows, task_type)
    ids = content_ids(zip(clean["given"], clean["wanted"], strict=True))
    return clean.with_columns(pl.Series("id", ids, dtype=pl.String), pl.Series("group", ids, dtype=pl.String)).select(
        list(SCHEMA)
    )


def kept_and_reasons(outcome: tuple[pl.DataFrame, pl.DataFrame]) -> tuple[list[int], dict[int, str]]:
    kept, removed = outcome
    return sorted(kept["line"].to_list()), dict(
        zip(removed["line"].to_list(), removed["reason"].to_list(), strict=True)
    )


def test_rows_without_text_or_label_go_with_the_reason() -> None:
    rows = table([("fine", "a"), ("  ", "a"), ("no label", ""), ("<br/>", "b"), ("x" * 40_000, "a")])
    assert kept_and_reasons(usable(rows, "classification")) == (
        [1],
        {2: "empty text", 3: "empty label", 4: "empty text", 5: "longer than 32768 characters"},
    )


def test_refused_answers_go_from_training_but_stay_in_the_users_test_file() -> None:
    pairs = [
        ("q", "I'm sorry, but I can't do that."),
        ("q2", "As an AI language model, I have no view."),
        ("q3", "Sorry was the answer."),
    ]
    assert kept_and_reasons(usable(table(pairs, task_type="generation"), "generation"))[0] == [3]
    assert kept_and_reasons(usable(table(pairs, "test", "generation"), "generation"))[0] == [1, 2, 3]


def test_labels_that_differ_in_case_only_get_the_commonest_spelling() -> None:
    assert table([("a", "Spam"), ("b", "spam"), ("c", "SPAM"), ("d", "spam")])["wanted"].to_list() == ["spam"] * 4
    assert table([("a", "C"), ("b", "C++")])["wanted"].to_list() == ["C", "C++"]


def test_of_equal_texts_the_first_stays() -> None:
    rows = table([("Where is it?", "a"), ("other", "a"), ("where is it", "a")])
    assert kept_and_reasons(without_exact_duplicates(rows, "classification")) == ([1, 2], {3: "duplicate"})


def test_of_one_text_with_several_labels_the_majority_stays_and_without_one_none() -> None:
    rows = table([("x", "a"), ("x", "b"), ("x", "a"), ("y", "a"), ("y", "b")])
    kept, reasons = kept_and_reasons(without_exact_duplicates(rows, "classification"))
    assert kept == [1]
    assert reasons == {
        2: "same text, other label",
        3: "duplicate",
        4: "same text, other label",
        5: "same text, other label",
    }


def test_different_completions_of_one_prompt_all_stay() -> None:
    rows = table([("p", "one way"), ("p", "another way"), ("p", "One way.")], task_type="generation")
    assert kept_and_reasons(without_exact_duplicates(rows, "generation")) == ([1, 2], {3: "duplicate"})
    assert kept_and_reasons(without_near_duplicates(with_groups(rows.head(2), "generation"), "generation"))[0] == [1, 2]


LONG = "please tell me where exactly the parcel with the blue kettle for my mother has got stuck this time"


def test_near_duplicates_go_only_with_equal_label_and_equal_numbers() -> None:
    rows = table([(LONG, "a"), (f"{LONG} x", "a"), (f"{LONG} y", "b"), (f"{LONG} 7", "a"), (f"{LONG} 8", "a")])
    grouped = with_groups(rows, "classification")
    assert kept_and_reasons(without_near_duplicates(grouped, "classification")) == ([1, 3, 4, 5], {2: "near-duplicate"})


@given(st.lists(st.tuples(_TEXT, st.sampled_from("ab")), max_size=30))
@settings(max_examples=60, deadline=None)
def test_every_row_is_kept_once_or_removed_once(pairs: list[tuple[str, str]]) -> None:
    rows = with_groups(table(pairs), "classification")
    for step in (usable, without_exact_duplicates, without_near_duplicates):
        kept, removed = step(rows, "classification")
        assert sorted(kept["line"].to_list() + removed["line"].to_list()) == sorted(rows["line"].to_list())
        assert removed["reason"].null_count() == 0


@pytest.mark.parametrize(
    ("completion", "fault"),
    [
        ("12*4=<<12*4=48>>48\n#### 48", None),
        ("12*4=<<12*4=49>>49\n#### 49", "a step does not hold"),
        ("12*4=<<12*4=48>>48\n#### 47", "the final answer is not the result of a step"),
        ("12*4=<<12*4=48>>48\n####", "no final answer"),
        ("Let x be <<x+2=5>>3.\n#### 3", None),
        ("She had 75-55 =$<<75-55=20>>20\nShe bought 4 tops for $20 so 20/4 = $5\n#### 5", None),
        ("She had 75-55 =$<<75-55=20>>20\nShe bought 4 tops for $20 so 20/4 = $5\n#### 6", "the final answer is not the result of a step"),
        ("There are <<50*2=100>>100, so 100/3 = 33 each.\n#### 33", None),
        ("It is clear.\n#### 5", None),
    ],
)  # fmt: skip
def test_worked_answers_are_recomputed(completion: str, fault: str | None) -> None:
    assert fault_of(completion) == fault


def test_wrong_worked_answers_go_and_free_text_is_no_worked_answer() -> None:
    worked = table(
        [("2 and 3", "2+3=<<2+3=5>>5\n#### 5"), ("2 and 4", "2+4=<<2+4=7>>7\n#### 7")], task_type="generation"
    )
    assert answers_are_worked(worked)
    assert targets_are_the_rule(worked)
    assert kept_and_reasons(verified(worked)) == ([1], {2: "a step does not hold"})
    assert not answers_are_worked(table([("who", "a man"), ("what", "a cat that sat")], task_type="generation"))
