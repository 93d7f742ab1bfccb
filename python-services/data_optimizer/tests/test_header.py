from __future__ import annotations

import json
from typing import Any

import pytest

from data_optimizer.parsing import names
from data_optimizer.parsing.header import has_header
from data_optimizer.tests.workplace import REPOSITORY

_CONTRACTS = REPOSITORY / "src" / "contracts"
GOLDEN: list[dict[str, Any]] = json.loads((_CONTRACTS / "examples" / "headers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: str(case["name"]))
def test_the_first_record_is_taken_for_a_header_exactly_as_the_api_takes_it(case: dict[str, Any]) -> None:
    assert has_header([line.split("\t") for line in case["lines"]]) is case["header"]


def test_the_shared_list_of_names_holds_every_name_with_a_role_in_plain_form() -> None:
    shared = json.loads((_CONTRACTS / "column-names.json").read_text(encoding="utf-8"))
    with_role = {
        name
        for entries in shared["roles"].values()
        for entry in entries
        for name in ([entry] if isinstance(entry, str) else entry)
    }
    assert set(shared["names"]) == with_role
    assert {names.plain_name(name) for name in with_role} == with_role
