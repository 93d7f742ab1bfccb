from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wlops_ml import text, text_columns
from wlops_ml.rows import content_id_column, content_ids
from wlops_ml.runs import Runs

PAIRS: list[tuple[Callable[[pl.Series], pl.Series], Callable[[str], str]]] = [
    (text_columns.clean_texts, text.clean_text),
    (text_columns.clean_line_texts, text.clean_lines),
    (text_columns.clean_labels, text.clean_label),
    (text_columns.match_keys, text.match_key),
    (text_columns.number_texts, lambda one: " ".join(text.numbers(one))),
]
_ASCII = st.text(alphabet=st.characters(max_codepoint=0x7F), max_size=12)
_ODD = st.sampled_from(
    ["", " ", "???", "A&amp;b", "<b>x</b>", "x\ty\n", "\x1c a", "1,200.50", "١٢", "ǅ  ", "’a", "\ud7ff\x85"]
)
_TEXTS = st.lists(st.one_of(_ASCII, _ODD, st.text(max_size=8)), max_size=20)


@pytest.mark.parametrize(("column", "one"), PAIRS)
@given(texts=_TEXTS)
@settings(max_examples=150, deadline=None)
def test_a_column_gives_what_each_text_gives(
    column: Callable[[pl.Series], pl.Series], one: Callable[[str], str], texts: list[str]
) -> None:
    assert column(pl.Series(texts, dtype=pl.String)).to_list() == [one(item) for item in texts]


def test_slices_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"  No {number} &amp; more?" for number in range(10)]
    whole = text_columns.match_keys(pl.Series(texts)).to_list()
    monkeypatch.setattr(text_columns.slices, "__defaults__", (3,))
    assert text_columns.match_keys(pl.Series(texts)).to_list() == whole
    assert len([*text_columns.slices(pl.Series(texts))]) == 4


@given(_TEXTS)
@settings(max_examples=60, deadline=None)
def test_key_hashes_are_equal_where_the_keys_are(texts: list[str]) -> None:
    hashes = text_columns.key_hashes(pl.Series(texts, dtype=pl.String)).to_list()
    keys = [text.match_key(item) for item in texts]
    assert len(set(hashes)) == len(set(keys)) == len(set(zip(hashes, keys, strict=True)))


@given(st.lists(st.tuples(st.sampled_from("aAb?"), st.sampled_from("xXy")), max_size=30))
def test_ids_of_columns_are_those_of_pairs(pairs: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(pairs, schema={"given": pl.String, "wanted": pl.String}, orient="row")
    assert content_id_column(frame["given"], frame["wanted"]).to_list() == content_ids(pairs)


@given(st.lists(st.integers(0, 5), max_size=40))
def test_runs_are_what_a_dictionary_of_rows_holds(values: list[int]) -> None:
    rows: dict[int, list[int]] = {}
    for row, value in enumerate(values):
        rows.setdefault(value, []).append(row)
    runs = Runs.of(np.array(values, dtype=np.int64))
    assert [part.tolist() for part in np.split(runs.order, runs.starts[1:])] == (
        [rows[one] for one in sorted(rows)] or [[]]
    )
    assert runs.first.tolist() == [rows[one][0] for one in sorted(rows)]
    assert runs.places().tolist() == [rows[value].index(row) for row, value in enumerate(values)]
    assert runs.spread(runs.sizes).tolist() == [len(rows[value]) for value in values]
    places = np.arange(len(values))[::-1]
    assert runs.least(places).tolist() == [len(values) - 1 - max(rows[one]) for one in sorted(rows)]
