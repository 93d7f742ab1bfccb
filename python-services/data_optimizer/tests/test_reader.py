from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_optimizer.parsing.reader import read_dataset
from data_optimizer.tests.uploads import lines, prose, read
from data_optimizer.tests.workplace import sentences
from wlops_common.errors import DatasetColumnsUnknown, DatasetEmpty, DatasetError, DatasetUnreadable

TEXTS = sentences(60, 3)
LABELS = [("ham", "spam")[len(text) % 2] for text in TEXTS]


def _lines(form: Callable[[str, str], str], end: str = "\n", header: str = "") -> bytes:
    head = [header] if header else []
    return (end.join([*head, *(form(text, label) for text, label in zip(TEXTS, LABELS, strict=True))]) + end).encode()


def _json_lines(form: Callable[[str, str], Any]) -> bytes:
    return _lines(lambda text, label: json.dumps(form(text, label)))


def _parquet() -> bytes:
    sink = io.BytesIO()
    pl.DataFrame({"sentence": TEXTS, "intent": LABELS}).write_parquet(sink)
    return sink.getvalue()


CLASSIFICATION_FILES = {
    "csv with header": _lines(lambda t, y: f"{t},{y}", header="text,label"),
    "other names": _lines(lambda t, y: f"{t},{y}", header="utterance,category"),
    "label first": _lines(lambda t, y: f"{y},{t}", header="class,review"),
    "crlf": _lines(lambda t, y: f"{t},{y}", end="\r\n", header="text,label"),
    "old mac line ends": _lines(lambda t, y: f"{t},{y}", end="\r", header="text,label"),
    "bom": b"\xef\xbb\xbf" + _lines(lambda t, y: f"{t},{y}", header="text,label"),
    "utf-16": _lines(lambda t, y: f"{t},{y}", header="text,label").decode().encode("utf-16"),
    "utf-16 without mark": _lines(lambda t, y: f"{t},{y}", header="text,label").decode().encode("utf-16-le"),
    "semicolons": _lines(lambda t, y: f"{t}, yes;{y}", header="text;label"),
    "semicolons, no header, a comma and a blank in every text": _lines(lambda t, y: f"{t}, yes;{y}"),
    "semicolons, a comma in every text": _lines(lambda t, y: f"{t},yes;{y}", header="text;label"),
    "commas, a semicolon in every text": _lines(lambda t, y: f"{t}&amp;more,{y}"),
    "pipes": _lines(lambda t, y: f"{t}, yes|{y}", header="text|label"),
    "tabs, no header, label first, stray quotes": _lines(lambda t, y: f'{y}\t{t} said "hm, ok'),
    "no header": _lines(lambda t, y: f"{t},{y}"),
    "unknown header": _lines(lambda t, y: f"{t},{y}", header="foo,bar"),
    "all quoted": _lines(lambda t, y: f'"{t}, ""yes""","{y}"', header='"text","label"'),
    "quoted line breaks": _lines(lambda t, y: f'"{t}\nsecond line",{y}', header="text,label"),
    "more columns": _lines(lambda t, y: f"{len(t)},{t},{y},2024", header="id,text,label,year"),
    "a delimiter ends the lines, not the header": _lines(lambda t, y: f"{y};{t};", header="label;text"),
    "numbers as labels, no header": _lines(lambda t, y: f"{int(y == 'ham')},{t}"),
    "label, blank, text, one comma in most": _lines(lambda t, y: f"{y} {t}{', yes' * (len(t) % 3 > 0)}"),
    "fasttext": _lines(lambda t, y: f"__label__{y} {t}"),
    "jsonl": _json_lines(lambda t, y: {"text": t, "label": y}),
    "jsonl of pairs": _json_lines(lambda t, y: [t, y]),
    "jsonl, numbers as labels": _json_lines(lambda t, y: {"text": t, "label": int(y == "ham")}),
    "json array": json.dumps(
        [{"query": t, "intent": y} for t, y in zip(TEXTS, LABELS, strict=True)], indent=1
    ).encode(),
    "gzip": gzip.compress(_lines(lambda t, y: f"{t},{y}", header="text,label")),
    "parquet": _parquet(),
    "no line end at the end": _lines(lambda t, y: f"{t},{y}", header="text,label").rstrip(),
}


@pytest.mark.parametrize("name", CLASSIFICATION_FILES)
def test_every_kind_of_classification_file_gives_all_texts_with_their_labels(name: str, tmp_path: Path) -> None:
    dataset = read(tmp_path, CLASSIFICATION_FILES[name])
    assert dataset.task_type == "classification"
    assert dataset.bad == []
    assert [given.startswith(text) for given, text in zip(dataset.rows["given"], TEXTS, strict=True)] == [True] * len(
        TEXTS
    )
    expected = {
        "numbers as labels, no header": ["01"[y == "ham"] for y in LABELS],
        "jsonl, numbers as labels": ["01"[y == "ham"] for y in LABELS],
    }
    assert dataset.rows["wanted"].to_list() == expected.get(name, LABELS)


@pytest.mark.parametrize("label_first", [True, False])
def test_unquoted_delimiters_in_texts_cost_nothing_beside_a_label(label_first: bool, tmp_path: Path) -> None:
    texts = [text.replace(" ", ", ", index % 3) for index, text in enumerate(TEXTS)]
    pairs = zip(texts, LABELS, strict=True)
    data = "".join(f"{label},{text}\n" if label_first else f"{text},{label}\n" for text, label in pairs).encode()
    dataset = read(tmp_path, data)
    assert dataset.bad == []
    assert dataset.rows.select("given", "wanted").rows() == list(zip(texts, LABELS, strict=True))


def test_latin_1_is_read_with_a_note_naming_the_line(tmp_path: Path) -> None:
    dataset = read(
        tmp_path, _lines(lambda t, y: f"{t},{y}", header="text,label") + "ça va très bien,ham\n".encode("latin-1")
    )
    assert dataset.rows["given"][-1] == "ça va très bien"
    assert any(f"line {len(TEXTS) + 2}" in note for note in dataset.facts["notes"])


GOOD = _lines(lambda t, y: f"{t},{y}", header="text,label")
DIRTY_LINES = {
    "one field": (b"just one field\n", "1 field where the file has 2"),
    "too many fields": (b"a,b,c\n", "3 fields where the file has 2"),
    "blank": (b"\n", "blank row"),
    "empty fields": (b",\n", "blank row"),
    "a quote that never ends": (b'"never ends\n', "1 field where the file has 2"),
    "a text in quotes without its label": (b'"Hello there, my friend"\n', "1 field where the file has 2"),
    "a text in quotes, and in it, without its label": (b'"He said ""hello"", twice"\n', "1 field where the file has 2"),
    "three fields in quotes": (b'"one","two, and more","three"\n', "3 fields where the file has 2"),
}


@pytest.mark.parametrize("name", DIRTY_LINES)
def test_a_bad_line_costs_itself_alone(name: str, tmp_path: Path) -> None:
    line, reason = DIRTY_LINES[name]
    head, tail = GOOD.split(b"\n", 11)[:11], GOOD.split(b"\n", 11)[11]
    dataset = read(tmp_path, b"\n".join(head) + b"\n" + line + tail)
    assert [(bad.line, bad.reason) for bad in dataset.bad] == [(12, reason)]
    assert dataset.rows["given"].to_list() == TEXTS
    assert dataset.rows["line"].to_list() == [number for number in range(2, 63) if number != 12]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"question": "cut of', "not JSON: Unterminated string starting at"),
        (b"nonsense", "not JSON: Expecting value"),
        (b"12", "a JSON value of another kind than the other rows"),
        (b'["a", "b"]', "a JSON value of another kind than the other rows"),
        (b'{"question": ["a", "c"], "answer": "b"}', "not a text or number in the column 'question'"),
        (b"", "blank row"),
        (b"[" * 100_000, "not JSON: nested too deeply"),
    ],
)
def test_a_bad_json_line_goes_aside_with_its_line_and_reason(line: bytes, reason: str, tmp_path: Path) -> None:
    good = _json_lines(lambda t, y: {"question": t, "answer": y + t})
    dataset = read(tmp_path, good + line + b"\n" + good)
    assert [(bad.line, bad.reason) for bad in dataset.bad] == [(61, reason)]
    assert dataset.rows.height == 120
    assert dataset.rows_in_file == 121


def test_a_text_of_two_lines_without_its_label_is_one_bad_row(tmp_path: Path) -> None:
    dataset = read(tmp_path, GOOD + b'"Hello there, my\nfriend, again"\n' + GOOD.partition(b"\n")[2])
    assert [(bad.line, bad.reason) for bad in dataset.bad] == [(62, "1 field where the file has 2")]
    assert dataset.rows["given"].to_list() == TEXTS * 2


@pytest.mark.parametrize("first", [b"sep=;\n", b"\xef\xbb\xbfsep=;\r\n", b'"sep=;"\n'])
def test_the_line_that_tells_excel_the_delimiter_is_no_row(first: bytes, tmp_path: Path) -> None:
    dataset = read(
        tmp_path,
        first + _lines(lambda t, y: f"{t};{y}", header="satz;absicht"),
        columns={"text": "satz", "label": "absicht"},
    )
    assert (dataset.bad, dataset.rows_in_file, dataset.rows["given"].to_list()) == ([], len(TEXTS), TEXTS)
    assert dataset.rows["line"][0] == 3


REFUSED: dict[str, tuple[bytes, type[DatasetError], str]] = {
    "nothing": (b"", DatasetEmpty, "nothing but blanks"),
    "blanks": (b" \n\n \n", DatasetEmpty, "nothing but blanks"),
    "only a header": (b"text,label\n", DatasetEmpty, "nothing but a header"),
    "zip": (b"PK\x03\x04" + b"x" * 99, DatasetUnreadable, "zip archive"),
    "pdf": (b"%PDF-1.7 " + b"x" * 99, DatasetUnreadable, "PDF"),
    "bzip2": (b"BZh91AY&SY" + b"x" * 99, DatasetUnreadable, "a bzip2 archive"),
    "binary": (bytes(range(1, 256)) * 9 + b"\x00" * 200, DatasetUnreadable, "binary|not text"),
    "cut gzip": (gzip.compress(GOOD)[:-30], DatasetUnreadable, "cut short"),
    "cut parquet": (_parquet()[:-50], DatasetUnreadable, "Parquet"),
    "prose": (
        b"This is a letter.\nIt has no columns at all\nand goes on\n",
        DatasetColumnsUnknown,
        "Columns of the file: 0",
    ),
    "sentences, one comma in most": (
        _lines(lambda t, _: f"{t[3:]}{', yes' * (len(t) % 3 > 0)}"),
        DatasetUnreadable,
        "cannot be cut into equal records at ','",
    ),
    "a remark after the label, one comma or two in most texts": (
        b"text,label\n"
        + _lines(
            lambda text, label: (
                f"{text}{', yes' * (len(text) % 3)},{label},{('see', 'check', '', '', '', '', '')[len(text) % 7]}"
            )
        ),
        DatasetUnreadable,
        "cannot be cut into equal records at ','",
    ),
    "one label, missing in a third of the rows, one comma or two in most texts": (
        _lines(lambda text, _: f"{text}{', yes' * (len(text) % 3)},{'pos' * (len(text) % 3 > 0)}"),
        DatasetUnreadable,
        "cannot be cut into equal records at ','",
    ),
    "numbers of their own, one comma or two in most texts, no header": (
        lines(f"{n},{text.replace(',', '')}{', yes' * (n % 3)}" for n, text in enumerate(prose(60, 2))),
        DatasetUnreadable,
        "cannot be cut into equal records at ','",
    ),
    "sentences that begin with the words they are made of": (
        lines(text.replace(",", "") for text in prose(4_000, 2)),
        DatasetColumnsUnknown,
        "No columns",
    ),
    "one column": (b"text\na b\nc d\n", DatasetColumnsUnknown, "No columns"),
    "mostly broken json": (
        b'{"a": 1\n' * 9 + b'{"text": "x", "label": "y"}\n',
        DatasetUnreadable,
        "9 of 10 lines are not JSON",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_unusable_file_is_refused_saying_what_and_where(name: str, tmp_path: Path) -> None:
    data, fault, message = REFUSED[name]
    with pytest.raises(fault, match=message) as refusal:
        read(tmp_path, data)
    assert refusal.value.details is not None
    assert refusal.value.details["line"] >= 1


_SHORT_HEADER = b"nr,satz,absicht\n" + lines(
    f"{n},{text.replace(',', '')}, ja,{n % 2}" for n, text in enumerate(prose(60, 2))
)


def test_columns_named_as_in_a_header_of_fewer_names_than_fields_are_refused_with_it(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetUnreadable, match=r"Line 2 has the names .* but 3 fields where the lines below it have 4"
    ) as fault:
        read(tmp_path, b"\n" + _SHORT_HEADER, columns={"text": "satz", "label": "absicht"})
    assert fault.value.details is not None
    assert fault.value.details["sample"] == "nr,satz,absicht"


def test_names_that_the_user_gives_are_not_moved_to_the_next_columns(tmp_path: Path) -> None:
    rows = lines(f"{n},{text.replace(',', '')},{'web' if n % 2 else 'app'},d{n}" for n, text in enumerate(prose(60, 2)))
    with pytest.raises(DatasetUnreadable, match="has the names that `columns` gives"):
        read(tmp_path, b"zeile,satz,absicht\n" + rows, columns={"text": "satz", "label": "absicht"})


def test_columns_named_as_in_a_header_above_lines_that_end_with_the_delimiter_are_read(tmp_path: Path) -> None:
    file = b"satz,absicht\n" + lines(f"{text.replace(',', '')},{n % 2}," for n, text in enumerate(prose(60, 2)))
    dataset = read(tmp_path, file, columns={"text": "satz", "label": "absicht"})
    assert (dataset.rows.height, dataset.bad) == (60, [])


def test_columns_given_by_number_are_read_below_a_header_of_fewer_names_than_fields(tmp_path: Path) -> None:
    header = b"id,text,label\n"
    dataset = read(tmp_path, header + _SHORT_HEADER.partition(b"\n")[2], columns={"text": 1, "label": 3})
    assert (dataset.rows.height, dataset.rows["wanted"].unique().sort().to_list()) == (60, ["0", "1"])
    assert [bad.reason for bad in dataset.bad] == ["3 fields where the file has 4"]


_CELL = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).filter(
    str.strip
)


@given(
    st.lists(st.tuples(_CELL, st.sampled_from(["x", "y"])), min_size=4, max_size=40),
    st.sampled_from([",", ";", "\t", "|"]),
)
@settings(max_examples=80, deadline=None)
def test_what_a_csv_writer_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], delimiter: str
) -> None:
    sheet = io.StringIO()
    writer = csv.writer(sheet, delimiter=delimiter)
    writer.writerow(("text", "label"))
    writer.writerows(rows)
    path = tmp_path_factory.mktemp("csv") / "file"
    path.write_bytes(sheet.getvalue().encode())
    dataset = read_dataset(path, columns={"text": "text", "label": "label"})
    assert dataset.rows.select("given", "wanted").rows() == rows


@given(st.binary(max_size=400))
@example(b"\xa0\n")
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_rows_or_a_clear_refusal(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "file"
    path.write_bytes(data)
    try:
        dataset = read_dataset(path)
    except DatasetError:
        return
    assert dataset.rows.height + len(dataset.bad) == dataset.rows_in_file
