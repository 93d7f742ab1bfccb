from __future__ import annotations

import json
from typing import Any

import pytest

from data_optimizer.parsing import reader
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
