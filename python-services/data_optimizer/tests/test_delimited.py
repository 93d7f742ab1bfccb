from __future__ import annotations

import json
from typing import Any

import pytest

from data_optimizer.parsing import reader
from data_optimizer.tests.workplace import REPOSITORY

_FILE = REPOSITORY / "src" / "contracts" / "examples" / "delimited-heads.json"
GOLDEN: list[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: str(case["name"]))
def test_header_and_records_are_those_that_the_api_counts(case: dict[str, Any]) -> None:
    text = "".join(f"{line}\n" for line in case["lines"])
    table = reader._delimited(text, None, {})
    assert (table.has_header, len(table.rows) + len(table.bad)) == (case["header"], case["records"])
    assert table.names == case["columns"]
