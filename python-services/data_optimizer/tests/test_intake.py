from __future__ import annotations

import pytest

from data_optimizer.tests.workplace import Workplace, csv_file
from wlops_common.errors import DatasetError

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


@pytest.mark.parametrize("data", [b"only one\nfield here\n", b"text,label\n,\n", b'{"a": "secret"\n' * 9])
def test_no_error_shows_a_row_of_the_test_file(data: bytes, workplace: Workplace) -> None:
    with pytest.raises(DatasetError) as refusal:
        workplace.optimise({"source": csv_file(), "test": data})
    assert refusal.value.details is not None
    assert "sample" not in refusal.value.details
