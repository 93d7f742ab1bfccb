"""What is done otherwise with large files, tried on small ones by lowering the bounds: it must give the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_optimizer.parsing import lines as lines_module
from data_optimizer.parsing import row_values, source_text, stored_rows
from data_optimizer.parsing.lines import Lines, lines_of
from data_optimizer.parsing.sampling import spread
from data_optimizer.parsing.stored_rows import StoredRows
from data_optimizer.tests.test_reader import CLASSIFICATION_FILES
from data_optimizer.tests.uploads import read
from data_optimizer.tests.workplace import Workplace, csv_file, maths_file
from wlops_ml import bands, text_columns


@pytest.fixture
def tiny_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every bound between memory and disk, and between one slice and the next, at a few rows."""
    for module, name, value in [
        (lines_module, "_SPLIT_BYTES", 0),
        (lines_module, "_BLOCK_LINES", 7),
        (lines_module, "_SCANNED_BYTES", 64),
        (stored_rows, "_CHUNK_ROWS", 5),
        (stored_rows, "_MEMORY_ROWS", 10),
        (stored_rows, "_WRITTEN_BYTES", 50),
        (row_values, "_ROWS_AT_ONCE", 9),
        (source_text, "_READ_BYTES", 11),
        (bands, "_MEMORY_BYTES", 16),
        (bands, "_SIGNATURES_AT_ONCE", 10),
    ]:
        assert hasattr(module, name)
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(text_columns.slices, "__defaults__", (8,))


@pytest.mark.parametrize("name", CLASSIFICATION_FILES)
def test_a_large_file_is_read_as_a_small_one(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    small = read(tmp_path, CLASSIFICATION_FILES[name])
    request.getfixturevalue("tiny_bounds")
    large = read(tmp_path, CLASSIFICATION_FILES[name])
    assert large.rows.equals(small.rows)
    assert (large.bad, large.facts, large.labels, large.rows_in_file) == (
        small.bad, small.facts, small.labels, small.rows_in_file,
    )  # fmt: skip


@pytest.mark.parametrize("files", [{"source": csv_file(150), "pool": csv_file(60, 5)}, {"source": maths_file(200, 1)}])
def test_a_whole_optimisation_gives_the_same_bytes(
    files: dict[str, bytes], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    first, again = Workplace(tmp_path / "a"), Workplace(tmp_path / "b")
    small = first.optimise(files)
    request.getfixturevalue("tiny_bounds")
    large = again.optimise(files)
    for role in ("train", "mine", "select", "test"):
        assert getattr(small, role).sha256 == getattr(large, role).sha256
    for name in ("quarantine.jsonl", "source-train.parquet"):
        assert first.file(small, name) == again.file(large, name)


@given(st.text(alphabet="aé\n", max_size=60))
@settings(max_examples=80, deadline=None)
def test_lines_are_those_of_the_text(text: str) -> None:
    split = text.split("\n")
    lines = Lines(text.encode())
    assert [*lines] == split == [lines[place] for place in range(len(split))] == lines[:]
    assert lines[-1] == split[-1]
    assert spread(lines, 3) == spread(split, 3)
    lines[len(split) // 2] = split[len(split) // 2] = "other"
    assert [*lines] == split == lines[0:]


def test_lines_are_neither_fewer_nor_more() -> None:
    lines = Lines(b"a\nb")
    with pytest.raises(IndexError):
        lines[2]
    with pytest.raises(TypeError):
        del lines[0]
    with pytest.raises(TypeError):
        lines.insert(0, "x")
    assert isinstance(lines_of(b"a\nb"), list)


@given(st.integers(0, 60), st.booleans())
@settings(max_examples=60, deadline=None)
def test_stored_rows_are_a_list_of_rows(count: int, headed: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored_rows, "_CHUNK_ROWS", 4)
        patch.setattr(stored_rows, "_MEMORY_ROWS", 8)
        values = [[index, f"é{index}", None, 0.1, {"a": ["\ud800"]}] for index in range(count)]
        stored = StoredRows()
        for value in values:
            stored.append(value)
        if headed and count:
            stored.leave_out_first()
            values = values[1:]
        assert [*stored] == values == stored[:] == [stored[place] for place in range(len(values))]
        assert len(stored) == len(values)
        assert spread(stored, 5) == spread(values, 5)
        with pytest.raises(IndexError):
            stored[len(values)]
