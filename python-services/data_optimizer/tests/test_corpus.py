"""Files as dirty as people's, each with what a whole optimisation must make of it: ``corpus/expected.json``."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from data_optimizer.tests.workplace import Workplace
from wlops_common.errors import DatasetError

_FOLDER = Path(__file__).parent / "corpus"
EXPECTED: dict[str, dict[str, Any]] = json.loads((_FOLDER / "expected.json").read_text(encoding="utf-8"))


def test_every_file_of_the_corpus_has_its_expected_outcome() -> None:
    files = {path.name for path in _FOLDER.iterdir()} - {"expected.json", ".gitattributes"}
    assert files == EXPECTED.keys()


@pytest.mark.parametrize("name", [name for name, outcome in EXPECTED.items() if "error" not in outcome])
def test_all_rows_are_kept_or_go_with_their_reason(name: str, workplace: Workplace) -> None:
    expected = EXPECTED[name]
    source = {"columns": expected["columns"]} if "columns" in expected else {}
    result = workplace.optimise({"source": (_FOLDER / name).read_bytes()}, source=source)
    removed: Counter[str] = sum((Counter(step.removed) for step in result.steps), Counter())
    roles = (result.train, result.mine, result.select, result.test)
    (file,) = result.files
    assert {
        "taskType": result.task_type,
        "format": file.format,
        "rows": file.rows,
        "kept": sum(role.rows for role in roles if role is not None),
        "removed": dict(removed),
    } == {key: expected[key] for key in ("taskType", "format", "rows", "kept", "removed")}
    assert expected["kept"] + removed.total() == expected["rows"] == file.rows
    assert len(workplace.quarantine(result)) == removed.total()


@pytest.mark.parametrize("name", [name for name, outcome in EXPECTED.items() if "error" in outcome])
def test_a_file_without_rows_is_refused_with_code_and_line(name: str, workplace: Workplace) -> None:
    with pytest.raises(DatasetError) as refusal:
        workplace.optimise({"source": (_FOLDER / name).read_bytes()})
    assert (refusal.value.code, (refusal.value.details or {})["line"]) == (
        EXPECTED[name]["error"],
        EXPECTED[name]["line"],
    )
