from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_optimizer.parsing.column_roles import roles_fault
from data_optimizer.tests.uploads import json_lines, labels, prose, read
from data_optimizer.tests.workplace import REPOSITORY
from wlops_common.errors import DatasetColumnsUnknown

_FILE = REPOSITORY / "src" / "contracts" / "examples" / "column-roles.json"
GOLDEN: list[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))
by_name = pytest.mark.parametrize("case", GOLDEN, ids=lambda case: str(case["name"]))

TEXTS = prose(60, 3)
LABELS = labels(60, ["ham", "spam"])
CHATS = [[{"role": "user", "content": text}, {"role": "assistant", "content": text[:9]}] for text in TEXTS]


@by_name
def test_roles_of_columns_are_taken_and_refused_in_the_words_of_the_api(case: dict[str, Any]) -> None:
    assert roles_fault(case["columns"]) == case["fault"]


@by_name
def test_a_file_is_read_where_the_roles_have_no_fault_and_refused_in_these_words_where_they_have(
    case: dict[str, Any], tmp_path: Path
) -> None:
    file = json_lines(
        {"satz": text, "frage": text[::-1], "absatz": text.upper(), "absicht": label, "antwort": label, "chat": chat}
        for text, label, chat in zip(TEXTS, LABELS, CHATS, strict=True)
    )
    refused = case.get("absent") or (case["fault"] and f"`columns` {case['fault']}")
    if refused:
        with pytest.raises(DatasetColumnsUnknown) as fault:
            read(tmp_path, file, columns=case["columns"])
        assert fault.value.message.startswith(f"{refused}. ")
    else:
        named = read(tmp_path, file, columns=case["columns"])
        if not case["columns"]:
            assert named.facts == read(tmp_path, file).facts


def test_the_columns_that_a_refusal_suggests_can_be_sent(tmp_path: Path) -> None:
    file = json_lines({"satz": text, "absicht": label} for text, label in zip(TEXTS, LABELS, strict=True))
    with pytest.raises(DatasetColumnsUnknown) as fault:
        read(tmp_path, file, columns={"text": "gone", "label": "absicht"})
    suggested = json.loads(fault.value.message.partition("for example ")[2].removesuffix("."))
    assert roles_fault(suggested) is None
    assert read(tmp_path, file, columns=suggested).rows.height == 60


def test_a_column_without_a_name_is_suggested_by_its_number(tmp_path: Path) -> None:
    file = "".join(f"{number},{text.replace(',', '')}\n" for number, text in enumerate(TEXTS)).encode()
    with pytest.raises(DatasetColumnsUnknown, match=r"Columns of the file: \(no name\), x\.") as fault:
        read(tmp_path, b"x\n" + file)
    assert json.loads(fault.value.message.partition("for example ")[2].removesuffix(".")) == {"text": 0, "label": "x"}


def test_the_suggested_columns_are_those_of_the_usual_names(tmp_path: Path) -> None:
    file = "".join(f"{number}.5,{number},{text.replace(',', '')}\n" for number, text in enumerate(TEXTS)).encode()
    with pytest.raises(DatasetColumnsUnknown) as fault:
        read(tmp_path, b"label,nr,text\n" + file, columns={"text": "gone", "label": "label"})
    assert json.loads(fault.value.message.partition("for example ")[2].removesuffix(".")) == {
        "text": "text",
        "label": "label",
    }
