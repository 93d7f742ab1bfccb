from __future__ import annotations

import csv
import io
import random

import polars as pl
import pytest

from data_optimizer.steps.filters import usable
from data_optimizer.steps.length_bounds import far_too_long
from data_optimizer.steps.personal_data import masked
from data_optimizer.steps.repetition import repetitive
from data_optimizer.steps.script_share import foreign_script
from data_optimizer.steps.special_characters import mostly_special
from data_optimizer.steps.unknown_labels import count_unknown
from data_optimizer.tests.banking77 import BANKING77, on_banking77
from data_optimizer.tests.test_steps import kept_and_reasons, table
from data_optimizer.tests.uploads import prose
from data_optimizer.tests.workplace import sentences
from wlops_common.contracts import TaskType, UnknownLabels


def _masks(texts: list[str]) -> list[list[bool]]:
    column = pl.Series(texts, dtype=pl.String)
    return [test(column).tolist() for test in (far_too_long, mostly_special, repetitive, foreign_script)]


#: Unusual, yet what people write: none may go.
REAL = [
    "ok", "?", "!!!!!!!!!!", "no no no no no no", "WHY????? " * 3, "😀😀😀", "Ünïcödé", "Почему?", "¿Qué?", "3+4=?",
    "0 1 1 0 1 " * 60,
    "La la la, la la la la, oh how I love to sing along with you, " * 6,
    r"\frac{a^2+b^2}{c^2} = \sqrt{\left(\sum_{i=1}^{n} x_i^2\right)} \cdot \int_0^1 f(t)\,dt + \prod_{k} \left(1-\frac{1}{k}\right)" * 3,
    "for (int i = 0; i < n; i++) { if (a[i] != b[i]) { return -1; } else { sum += a[i] * b[i]; } } /* done */ " * 4,
    "| name | price |\n|------|-------|\n| tea  | 2.50  |\n| cake | 3.75  |\n| milk | 1.20 |\n| bread | 2.80 |\n" * 3,
    '{"a": [1, 2, {"b": null}], "c": "d"}, ' * 8,
    " ".join(prose(40, 3)),
]  # fmt: skip


def test_what_people_write_stays() -> None:
    texts = [*sentences(3_000, 2), *REAL]
    assert [mask.count(True) for mask in map(list, _masks(texts))] == [0, 0, 0, 0]


def test_problems_with_worked_answers_stay() -> None:
    rng = random.Random(4)
    answers = []
    for _ in range(1_500):
        steps = [(rng.randint(2, 90), rng.randint(2, 90)) for _ in range(rng.randint(2, 9))]
        lines = [f"She spends ${a}*{b}=$<<{a}*{b}={a * b}>>{a * b}." for a, b in steps]
        answers.append("\n".join([*lines, f"#### {steps[-1][0] * steps[-1][1]}"]))
    assert [sum(mask) for mask in _masks(answers)] == [0, 0, 0, 0]
    rows = table([*zip(sentences(1_500, 5), answers, strict=True)], task_type="generation")
    assert usable(rows, "generation")[1].height == 0


@on_banking77
def test_no_row_of_banking77_goes() -> None:
    text = (BANKING77 / "train.csv").read_text(encoding="utf-8")
    rows = [(row["text"], row["category"]) for row in csv.DictReader(io.StringIO(text))]
    assert usable(table(rows), "classification")[1].height == 0


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ("a document of words that goes on and on without end ".join(map(str, range(200))), "far longer than the others"),
        ("=-=-=-=-_____|||||*****" * 20, "of mostly special characters"),
        ("buy now cheap " * 80, "that repeats itself"),
        ("help " + "a" * 400, "that repeats itself"),
        ("Где моя карта? Я жду её уже две недели, и никто не отвечает.", "in another script than the others"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("task_type", ["classification", "generation"])
def test_what_nobody_writes_goes_from_training_with_its_reason_and_stays_in_the_users_test_file(
    odd: str, reason: str, task_type: TaskType
) -> None:
    pairs = [(text, "a") for text in [*sentences(1_200, 6), odd]]
    inputs = "text" if task_type == "classification" else "prompt"
    assert kept_and_reasons(usable(table(pairs, task_type=task_type), task_type))[1] == {1_201: f"{inputs} {reason}"}
    assert usable(table(pairs, "test", task_type), task_type)[1].height == 0


def test_a_completion_that_runs_in_circles_goes() -> None:
    pairs = [(text, "a fine answer") for text in sentences(30, 6)] + [("question", "the answer is " * 90)]
    rows = table(pairs, task_type="generation")
    assert kept_and_reasons(usable(rows, "generation"))[1] == {31: "completion that repeats itself"}


def test_a_second_script_is_no_stray() -> None:
    both = [*sentences(1_200, 6), *["Где моя карта? Я жду её уже две недели."] * 12]
    assert sum(foreign_script(pl.Series(both))) == 0
    assert sum(foreign_script(pl.Series(["Где моя карта, где?"] * 1_500 + sentences(1, 1)))) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to Ann.O-Neil+x@mail.example.co.uk.", "write to <e-mail>."),
        ("see https://example.org/a?b=c#d or www.example.org/x", "see <link> or <link>"),
        ("from 192.168.1.254 and 2001:0db8:85a3:0000:0000:8a2e:0370:7334", "from <ip> and <ip>"),
        ("call +44 20 7946 0958, (020) 7946 0958 or 555-123-4567", "call <phone>, <phone> or <phone>"),
        ("version 1.2.3.4567, 12,500.00 in 2024-05-06, 1234567890 units, 3 + 4 = 7", None),
        ("a @ b, 10:30, ratio 16:9, 999.999.999.999", None),
        ("no 12 345 678 apples", None),
    ],
)
def test_personal_data_are_masked_and_other_numbers_are_not(text: str, expected: str | None) -> None:
    assert masked(pl.Series(["plain", text])).to_list() == ["plain", expected or text]


def test_labels_that_training_lacks_are_counted_by_role() -> None:
    rows = table([("a", "x"), ("b", "y"), ("c", "z"), ("d", "z"), ("e", "x")])
    roles = pl.Series("role", ["train", "test", "test", "select", "mine"])
    held_out = rows.with_columns(roles).filter(pl.col("role") != "train")
    assert count_unknown(rows.head(1), held_out) == {
        "select": UnknownLabels(rows=1, labels=1),
        "test": UnknownLabels(rows=2, labels=2),
    }
    assert count_unknown(rows, held_out) == {}
