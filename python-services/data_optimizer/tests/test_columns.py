from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from data_optimizer.parsing.row_values import worked_answer
from data_optimizer.tests.uploads import json_lines, labels, lines, prose, read, sheet
from wlops_common.errors import DatasetColumnsUnknown

TEXTS = prose(200, 3)
LABELS = labels(200, ["ham", "spam"])
PAIRS = list(zip(TEXTS, LABELS, strict=True))
GOOD = sheet([["text", "label"], *PAIRS])

GENERATION_ROWS: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "prompt and completion": lambda t, y: {"prompt": t, "completion": f"{y} is it"},
    "problem and solution": lambda t, y: {"problem": t, "solution": f"{y} is it", "level": 5},
    "conversations": lambda t, y: {
        "conversations": [{"from": "human", "value": t}, {"from": "gpt", "value": f"{y} is it"}]
    },
}


@pytest.mark.parametrize("name", GENERATION_ROWS)
def test_usual_names_of_prompts_and_completions_are_known(name: str, tmp_path: Path) -> None:
    dataset = read(tmp_path, json_lines(GENERATION_ROWS[name](text, label) for text, label in PAIRS))
    assert dataset.task_type == "generation"
    assert dataset.rows.select("given", "wanted").rows() == [(text, f"{label} is it") for text, label in PAIRS]


def test_a_category_beside_instruction_and_response_is_a_remark_and_no_label(tmp_path: Path) -> None:
    rows = ({"instruction": t, "context": "", "response": f"{t} {y}", "category": y} for t, y in PAIRS)
    dataset = read(tmp_path, json_lines(rows))
    assert (dataset.task_type, dataset.rows["given"].to_list()) == ("generation", TEXTS)
    assert json.loads(dataset.rows["meta"][0]) == {"category": LABELS[0]}


def test_a_named_text_column_that_hardly_varies_gives_way_to_one_that_does(tmp_path: Path) -> None:
    rows = [[text, f"say it {row % 4} times over and over again", label] for row, (text, label) in enumerate(PAIRS)]
    dataset = read(tmp_path, sheet([["answer", "text", "label"], *rows]))
    assert dataset.facts["columns"] == {"input": ["answer"], "output": "label"}


@pytest.mark.parametrize("answer", ["{}-03-04", "{}"], ids=["dates", "ascending numbers"])
def test_named_answers_may_look_like_dates_or_row_numbers(answer: str, tmp_path: Path) -> None:
    answers = [answer.format(1800 + row) for row in range(len(TEXTS))]
    dataset = read(tmp_path, sheet([["question", "answer"], *zip(TEXTS, answers, strict=True)]))
    assert (dataset.task_type, dataset.rows["wanted"].to_list()) == ("generation", answers)


def test_one_label_only_is_still_classification(tmp_path: Path) -> None:
    assert read(tmp_path, sheet([["text", "label"], *([t, "same"] for t in TEXTS)])).task_type == "classification"


@pytest.mark.parametrize("names", [("foo", "bar"), ("id", "prompt"), ("prompt", "completion")])
def test_numbers_are_never_the_only_prompt(names: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(DatasetColumnsUnknown):
        read(tmp_path, sheet([names, *((row * 7919 % 10007, text) for row, text in enumerate(TEXTS))]))


@pytest.mark.parametrize(
    ("equation", "answer", "wanted"),
    [
        ("( 8.0 - 3.0 )", "5", "(8-3)=5\n#### 5"),
        ("X=(8-3)", "5.0", "(8-3)=5\n#### 5"),
        ("8.5*2=x", "17", "8.5*2=17\n#### 17"),
        ("5=8-3", "5", "8-3=5\n#### 5"),
        ("5", "5", "5"),
        ("8-3", "6", "6"),
        ("a-b", "5", "5"),
        ("", "5", "5"),
        ("8-3", "five", "five"),
    ],
)
def test_an_equation_is_worked_into_the_answer_it_gives(equation: str, answer: str, wanted: str) -> None:
    assert worked_answer(equation, answer) == wanted


def test_columns_can_be_named_and_win_over_detection(tmp_path: Path) -> None:
    rows = [[*pair, row % 3] for row, pair in enumerate(PAIRS)]
    by_name = read(tmp_path, sheet([["text", "label", "other"], *rows]), columns={"text": "text", "label": "other"})
    assert set(by_name.rows["wanted"]) == {"0", "1", "2"}
    by_number = read(tmp_path, sheet([y, t] for t, y in PAIRS), columns={"text": 1, "label": 0})
    assert by_number.rows["given"].to_list() == TEXTS


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": "nope", "label": "label"}, "'nope', which is not a column"),
        ({"text": 0, "label": 9}, "columns 0 to 1"),
        ({"text": "text"}, "an input .* and an output"),
        ({"colour": "text", "label": "label"}, "known roles"),
    ],
)
def test_a_wrong_choice_of_columns_is_refused_naming_it(
    columns: dict[str, str | int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetColumnsUnknown, match=message):
        read(tmp_path, GOOD, columns=columns)


def test_other_columns_are_kept_as_meta(tmp_path: Path) -> None:
    dataset = read(tmp_path, sheet([["text", "label", "channel"], *([*pair, "web"] for pair in PAIRS)]))
    assert json.loads(dataset.rows["meta"][0]) == {"channel": "web"}


def test_a_test_file_gets_the_columns_that_were_named_for_the_training_file(tmp_path: Path) -> None:
    head = ["phrase", "kind", "label2"]
    rows = ([*pair, "x"] for pair in PAIRS)
    training = read(tmp_path, sheet([head, *rows]), columns={"text": "phrase", "label": "kind"})
    test = read(tmp_path, b"label2,Kind,phrase\nx,ham,only one\n", role="test", like=training)
    assert test.rows.select("given", "wanted").rows() == [("only one", "ham")]


def test_a_test_file_gets_all_inputs_of_the_training_file(tmp_path: Path) -> None:
    rows = [[label, text, text[::-1], text[3:]] for text, label in PAIRS]
    training = read(tmp_path, sheet(rows))
    test = read(tmp_path, sheet(rows[:5]), role="test", like=training)
    assert test.rows["given"].to_list() == training.rows["given"].to_list()[:5]
    assert test.rows["given"][0] == " ".join(rows[0][1:])


@pytest.mark.parametrize("training_has_header", [True, False])
def test_a_header_in_one_of_two_files_does_not_part_their_columns(training_has_header: bool, tmp_path: Path) -> None:
    rows = [[row % 2, label, text] for row, (text, label) in enumerate(PAIRS)]
    headed, bare = sheet([["label", "foo", "text"], *rows]), sheet(rows)
    first, second = (headed, bare) if training_has_header else (bare, headed)
    training = read(tmp_path, first, columns={"text": 2, "label": 1})
    test = read(tmp_path, second, role="test", like=training)
    assert test.rows.select("given", "wanted").rows() == PAIRS


NAMED = ["text", "label"]
SWAPPED = [[label, text] for text, label in PAIRS]


@pytest.mark.parametrize(
    ("training_rows", "test_rows"),
    [
        (SWAPPED, [NAMED, *PAIRS]),
        ([NAMED, *PAIRS], SWAPPED),
        (SWAPPED, PAIRS),
        (PAIRS, [["a", "b"], *SWAPPED]),
    ],
    ids=["a header of its own", "a header in training alone", "no header", "a header that says nothing"],
)
def test_a_test_file_whose_columns_stand_otherwise_is_read_by_its_labels(
    training_rows: list[list[str]], test_rows: list[list[str]], tmp_path: Path
) -> None:
    training = read(tmp_path, sheet(training_rows))
    test = read(tmp_path, sheet(test_rows), role="test", like=training)
    assert training.rows.select("given", "wanted").rows() == PAIRS
    assert test.rows.select("given", "wanted").rows() == PAIRS


def test_problems_beside_a_training_file_without_a_header_are_read_by_their_own_names(tmp_path: Path) -> None:
    problems = [(f"Ann has {n} apples and buys {n % 7} more. How many has she?", str(n + n % 7)) for n in range(60)]
    training = read(tmp_path, sheet(problems), columns={"prompt": 0, "completion": 1})
    test = read(
        tmp_path, sheet([["answer", "question"], *(pair[::-1] for pair in problems)]), role="test", like=training
    )
    assert test.rows.select("given", "wanted").rows() == problems


@pytest.mark.parametrize("role", ["validation", "test", "pool"])
def test_a_file_none_of_whose_labels_stand_in_training_is_refused(
    role: Literal["validation", "test", "pool"], tmp_path: Path
) -> None:
    training = read(tmp_path, sheet([NAMED, *PAIRS]))
    numbers = [[text, {"ham": 0, "spam": 1}[label]] for text, label in PAIRS]
    with pytest.raises(DatasetColumnsUnknown, match=r"No label of this file .*: 2 others here, there ham, spam"):
        read(tmp_path, sheet([NAMED, *numbers]), role=role, like=training)
    bare = read(tmp_path, sheet(SWAPPED))
    with pytest.raises(DatasetColumnsUnknown, match=r"No label of this file .*: 2 others here, there ham, spam"):
        read(tmp_path, sheet([NAMED, *numbers]), role=role, like=bare)


def test_a_test_file_keeps_the_column_that_was_given_although_another_one_has_more_known_labels(tmp_path: Path) -> None:
    def row(number: int, text: str, first: object) -> list[object]:
        return [number, text, first, number // 2 % 2]

    rows = [row(number, text, number % 2) for number, text in enumerate(TEXTS)]
    training = read(tmp_path, sheet(rows), columns={"text": 1, "label": 2})
    gaps = [row(number, text, number % 2 if number % 10 else "") for number, text in enumerate(TEXTS)]
    test = read(tmp_path, sheet(gaps), role="test", like=training)
    assert test.rows["wanted"].to_list()[1:10] == [str(row % 2) for row in range(1, 10)]


def test_a_header_beside_columns_given_by_number_adds_no_input(tmp_path: Path) -> None:
    problems = [[f"{n}", f"Ann has {n} apples and buys {n % 7} more. How many?", str(n + n % 7)] for n in range(60)]
    training = read(tmp_path, sheet(problems), columns={"prompt": 1, "completion": 2})
    test = read(tmp_path, sheet([["instruction", "input", "output"], *problems]), role="test", like=training)
    assert test.rows["given"].to_list() == [prompt for _, prompt, _ in problems]


def test_whole_numbers_that_pandas_wrote_as_floats_are_the_same_labels(tmp_path: Path) -> None:
    numbers = [[text, row % 2] for row, (text, _) in enumerate(PAIRS)]
    training = read(tmp_path, sheet([NAMED, *numbers]))
    test = read(
        tmp_path, sheet([NAMED, *([text, f"{label}.0"] for text, label in numbers)]), role="test", like=training
    )
    assert sorted(test.rows["wanted"].unique()) == ["0", "1"]


@pytest.mark.parametrize(
    "labelled",
    [
        [["NA", "EU", "AS", "SA", "AF"][row % 20 % 5] if row % 20 else "EU" for row in range(200)],
        ["NA" if row % 3 else "/people/person/place_lived" if row % 2 else "/location/contains" for row in range(200)],
        ["NA" if row % 2 else "related" for row in range(200)],
    ],
    ids=["codes", "the largest class", "one of two"],
)
def test_a_class_that_is_called_as_a_missing_value_is_a_class(labelled: list[str], tmp_path: Path) -> None:
    dataset = read(tmp_path, sheet([NAMED, *zip(TEXTS, labelled, strict=True)]))
    assert dataset.rows["wanted"].to_list() == labelled


def test_what_json_calls_a_label_is_one(tmp_path: Path) -> None:
    labelled = ["null" if row % 10 == 3 else label for row, label in enumerate(LABELS)]
    rows = ({"text": text, "label": label} for text, label in zip(TEXTS, labelled, strict=True))
    assert read(tmp_path, json_lines(rows)).rows["wanted"].to_list() == labelled


@pytest.mark.parametrize("missing", ["NA", "NaN", "NULL", "#N/A", "<NA>"])
def test_a_label_that_stands_for_a_missing_value_is_none(missing: str, tmp_path: Path) -> None:
    rows = [[text, missing if row % 10 == 3 else label] for row, (text, label) in enumerate(PAIRS)]
    dataset = read(tmp_path, sheet([NAMED, *rows]))
    assert sorted(dataset.rows["wanted"].unique()) == ["ham", "spam"]
    assert {bad.reason for bad in dataset.bad} == {f"no label: {missing} stands for a missing value"}
    assert [bad.line for bad in dataset.bad] == [row + 2 for row in range(len(PAIRS)) if row % 10 == 3]


def test_none_is_a_label(tmp_path: Path) -> None:
    rows = [[text, "None" if label == "ham" else label] for text, label in PAIRS]
    assert sorted(read(tmp_path, sheet([NAMED, *rows])).rows["wanted"].unique()) == ["None", "spam"]


def test_a_test_file_without_the_columns_of_the_training_file_is_read_by_itself(tmp_path: Path) -> None:
    training = read(tmp_path, sheet([["id", "text", "label"], *([row, *pair] for row, pair in enumerate(PAIRS))]))
    test = read(tmp_path, lines(map("\t".join, PAIRS)), role="test", like=training)
    assert test.rows.select("given", "wanted").rows() == PAIRS


def test_a_first_record_with_the_names_that_the_user_gives_is_a_header_whatever_it_looks_like(tmp_path: Path) -> None:
    # Five words, and as many labels as rows: by itself nothing sets it apart.
    rows = [[text, f"absicht {row}"] for row, text in enumerate(TEXTS[:20])]
    file = sheet([["was der kunde gesagt hat", "seine absicht"], *rows])
    named = read(tmp_path, file, columns={"text": "was der kunde gesagt hat", "label": "seine absicht"})
    assert named.rows["given"].to_list() == TEXTS[:20]
    with pytest.raises(DatasetColumnsUnknown, match=r"no row names them\).*\{\"text\": 0, \"label\": 1\}"):
        read(tmp_path, file, columns={"text": "was der kunde gesagt hat", "label": "seine absichten"})
