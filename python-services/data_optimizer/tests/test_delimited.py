from __future__ import annotations

import csv
import io
import json
import random
from typing import Any

import pytest

from data_optimizer.parsing import reader
from data_optimizer.parsing.delimited import parse_delimited
from data_optimizer.tests.workplace import REPOSITORY

_FILE = REPOSITORY / "src" / "contracts" / "examples" / "delimited-heads.json"
GOLDEN: list[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))


def _text(case: dict[str, Any]) -> str:
    """The case's first lines once, the others so many times, with their running number for ``{n}``."""
    top = case.get("top", 1)
    body = case["lines"][top:] * case.get("times", 1)
    numbered = [line.replace("{n}", str(number)) for number, line in enumerate(body, 1)]
    return "".join(f"{line}\n" for line in [*case["lines"][:top], *numbered])


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: str(case["name"]))
def test_header_and_records_are_those_that_the_api_counts(case: dict[str, Any]) -> None:
    table = reader._delimited(_text(case).split("\n"), None, case.get("given", {}))
    assert (table.has_header, len(table.rows) + len(table.bad)) == (case["header"], case["records"])
    assert (table.names, table.rows[0]) == (case["columns"], case["first"])


_LATIN = [
    *["a", "text,", "of", "many", "lines;", "it", "said", '"well"\tand', '"so,', 'then"', "went", "on:", "12,5"],
    '{"text": "x, y", "label": "b"}',
]
_CHINESE = ["服务，不错", "“好”", "价格；12、元", "质量好。"]


def _long_text(draw: random.Random) -> str:
    """2,000 to 8,000 characters, some texts with hundreds of line breaks, with quotes, delimiters, JSON and another CSV's lines."""
    breaks = draw.choice([3, 40])
    words: list[str] = []
    size = draw.randint(2_000, 8_000)
    while sum(map(len, words)) < size:
        word = draw.choice(_CHINESE if draw.random() < 0.3 else _LATIN)
        words.append(word + (draw.choice(["\n", "\n\n", '\n7,"x, y",z\n']) if draw.randrange(100) < breaks else " "))
    return "".join(words).strip()


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_quoted_texts_of_any_number_of_lines_are_read_whole(quoting: Any, delimiter: str) -> None:
    draw = random.Random(5)
    rows = [[str(number), _long_text(draw), draw.choice(["good", "bad"])] for number in range(120)]
    sheet = io.StringIO()
    csv.writer(sheet, quoting=quoting, delimiter=delimiter, lineterminator="\n").writerows(
        [["id", "text", "label"], *rows]
    )
    table = reader._delimited(sheet.getvalue().split("\n"), None, {})
    assert (table.has_header, table.bad) == (True, [])
    assert [[field.rstrip("\n") for field in row] for row in table.rows] == rows
    assert max(text.count("\n") for _, text, _ in rows) > 300


def test_a_quote_that_stays_open_costs_one_row_beside_a_text_of_hundreds_of_lines() -> None:
    long = '"' + "\n".join(f"line {number} of many" for number in range(190)) + '",a'
    lines = [
        "text,label",
        long,
        *(f"row {number},b" for number in range(300)),
        '"open,b',
        *(f"row {number},a" for number in range(300)),
    ]
    records = parse_delimited("\n".join(lines).split("\n"))
    assert len(records.fields) + len(records.bad) == 603
    assert len(records.bad) <= 1
