from __future__ import annotations

import pytest

from data_optimizer.tests.workplace import Workplace, csv_file
from wlops_common.errors import DatasetEmpty, DatasetError

DIRTY_TRAINING = csv_file() + b"a secret of the training file,\n"


@pytest.mark.parametrize("file", ["validation", "test", "pool"])
def test_the_error_for_a_file_without_usable_rows_speaks_of_that_file(file: str, workplace: Workplace) -> None:
    with pytest.raises(DatasetError) as refusal:
        workplace.optimise({"source": DIRTY_TRAINING, file: b"text,label\na good text,\n"})
    assert refusal.value.details is not None
    assert refusal.value.details["file"] == file
    assert refusal.value.details["line"] == 2
    assert refusal.value.details["reason"] == "empty label"
    assert refusal.value.details["sample"] == (None if file == "test" else "a good text =>")


@pytest.mark.parametrize(
    "data", [b"text,label\n", b"text,label\n\n\n", b"", b"[]"], ids=["header", "blank lines", "nothing", "JSON"]
)
def test_a_pool_without_a_single_row_is_as_none_and_the_log_says_so(data: bytes, workplace: Workplace) -> None:
    without = workplace.optimise({"source": csv_file()})
    beside = Workplace(workplace.root / "beside")
    result = beside.optimise({"source": csv_file(), "pool": data})
    assert result.pool is None
    assert result.train.sha256 == without.train.sha256
    log = beside.json(result.log)
    assert log["files"]["pool"] == {
        "notes": ["the file holds not a single row: the task goes on as if no pool had been given"]
    }
    assert [(step["rowsIn"], step["rowsOut"]) for step in log["steps"] if step["name"] == "parse pool"] == [(0, 0)]
    asked = [{"id": "imp_1", "kind": "select", "slice": "all rows", "gainBound": 0.2, "predicate": None}]
    later = beside.improve({"source": csv_file(), "pool": data}, result, asked)
    assert [one.reason for one in later.declined] == ["the task has no pool"]


def test_a_header_of_unknown_names_is_one_where_the_training_file_has_the_same(workplace: Workplace) -> None:
    named = csv_file().replace(b"text,label", b"spokenwords,shelf")
    assert workplace.optimise({"source": named, "pool": b"spokenwords,shelf\n"}).pool is None


@pytest.mark.parametrize("file", ["source", "validation", "test"])
@pytest.mark.parametrize("data", [b"text,label\n", b" \n"])
def test_any_other_file_without_a_row_is_refused_by_its_role(file: str, data: bytes, workplace: Workplace) -> None:
    name = "training" if file == "source" else file
    with pytest.raises(DatasetEmpty, match=f"^The {name} file holds no") as refusal:
        workplace.optimise({"source": csv_file(), file: data})
    assert refusal.value.details is not None
    assert refusal.value.details["file"] == name


@pytest.mark.parametrize("data", [b"only one\nfield here\n", b"text,label\n,\n", b'{"a": "secret"\n' * 9])
def test_no_error_shows_a_row_of_the_test_file(data: bytes, workplace: Workplace) -> None:
    with pytest.raises(DatasetError) as refusal:
        workplace.optimise({"source": csv_file(), "test": data})
    assert refusal.value.details is not None
    assert "sample" not in refusal.value.details
