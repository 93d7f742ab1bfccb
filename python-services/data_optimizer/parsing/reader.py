"""A file as uploaded to rows of input and output, with everything that could not be used set aside with its line and reason."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, MutableSequence, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import polars as pl

from data_optimizer.parsing.beside import check_labels, columns_beside, plain_label
from data_optimizer.parsing.columns import Columns, columns_named
from data_optimizer.parsing.delimited import Records, parse_delimited
from data_optimizer.parsing.detection import detect_columns
from data_optimizer.parsing.header import SAMPLE_ROWS, has_header
from data_optimizer.parsing.json_rows import looks_like_json, parse_json
from data_optimizer.parsing.labelled_lines import parse_label_blank_text, parse_marked_lines
from data_optimizer.parsing.lines import lines_of
from data_optimizer.parsing.row_values import rows_of
from data_optimizer.parsing.source_text import decode, is_parquet, read_bytes
from data_optimizer.parsing.stored_rows import FrameRows
from data_optimizer.parsing.table import BadRow, Table, sample_of
from wlops_common.contracts import FileReading
from wlops_common.errors import DatasetEmpty, DatasetUnreadable
from wlops_ml.rows import TaskType

FileFormat = Literal["csv", "tsv", "jsonl", "parquet"]
FileRole = Literal["training", "validation", "test", "pool"]

#: More records of another width than this share, and the file is refused: a delimiter that was only guessed must fit better.
_MAX_MISFIT_SHARE_OF_GUESSED = 0.2
_MAX_MISFIT_SHARE_OF_GIVEN = 0.5
#: Characters of a name or a note.
_MAX_TOLD = 300
_MAX_INPUTS_TOLD = 50


@dataclass(frozen=True)
class ReadDataset:
    """What one file held. ``rows_in_file`` counts every row, the bad ones too."""

    rows: pl.DataFrame
    bad: list[BadRow]
    task_type: TaskType
    rows_in_file: int
    facts: dict[str, Any]
    columns: Columns
    #: Without its rows, to find the same columns in the task's other files.
    table: Table
    #: The labels of a classification file, as ``plain_label`` writes them.
    labels: frozenset[str]

    def told(self, file: FileRole) -> FileReading:
        """How it was read, for its owner."""
        columns = self.facts["columns"]
        both = columns.get("messages")
        return FileReading(
            file=file,
            format=self.facts["format"],
            header=self.facts["header"],
            input=[name[:_MAX_TOLD] for name in ([both] if both is not None else columns["input"])][:_MAX_INPUTS_TOLD],
            output=(both if both is not None else columns["output"])[:_MAX_TOLD],
            rows=self.rows_in_file,
            set_aside=len(self.bad),
            notes=[note[:_MAX_TOLD] for note in self.facts["notes"]],
        )


def read_dataset(
    path: Path,
    *,
    role: FileRole = "training",
    file_format: FileFormat | None = None,
    columns: Mapping[str, str | int] | None = None,
    task_type: TaskType | None = None,
    like: ReadDataset | None = None,
) -> ReadDataset:
    """Read a file. ``like`` is the task's training file, whose columns are taken where this file has them too.

    Raises ``DatasetUnreadable``, ``DatasetEmpty`` or ``DatasetColumnsUnknown``, each saying where and what to do.
    """
    names = like.table.names if like is not None and like.table.has_header else []
    table = _table(path, file_format, role, columns or {}, names)
    if not table.rows:
        unread = [row for row in table.bad if row.reason != "blank row"]
        first = next(iter(unread or table.bad), BadRow(1, "nothing but a header", ""))
        raise DatasetEmpty(
            f"The {role} file holds no usable row; the first one at line {first.line}: {first.reason}.",
            details={"line": first.line, "sample": first.sample, "badRows": len(unread)},
        )
    if columns:
        found: Columns = columns_named(table, task_type, columns)
    elif like is not None:
        found = columns_beside(like.table, like.columns, like.labels, table, lambda one: detect_columns(one, task_type))
    else:
        found = detect_columns(table, task_type)
    rows, bad = rows_of(table, found)
    is_labelled = found.task_type == "classification"
    labels = frozenset(map(plain_label, rows["wanted"].unique())) - {""} if is_labelled else frozenset()
    if like is not None:
        check_labels(table, like.labels, labels)
    facts = {
        "format": table.format,
        "header": table.has_header,
        "columns": found.describe(table),
        "notes": table.notes,
    }
    all_bad = sorted([*table.bad, *bad], key=lambda row: row.line)
    bare = replace(table, rows=(), lines=(), bad=[])
    return ReadDataset(rows, all_bad, found.task_type, rows.height + len(all_bad), facts, found, bare, labels)


def _table(
    path: Path, file_format: FileFormat | None, role: FileRole, named: Mapping[str, str | int], header: list[str]
) -> Table:
    data, notes = read_bytes(path, role)
    if is_parquet(data) or file_format == "parquet":
        table = _parquet(data)
    else:
        text, notes_on_text = decode(data)
        del data  # Else the text is there twice where it was another encoding.
        if file_format == "jsonl" or (file_format is None and looks_like_json(text)):
            table = parse_json(text, role)
        else:
            table = _delimited(lines_of(text), file_format, named, header)
        notes += notes_on_text
    table.notes[:0] = notes
    return table


def _parquet(data: bytes) -> Table:
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DatasetUnreadable(
            f"The Parquet file cannot be read ({error}). Write it again.", details={"line": 1}
        ) from error
    return Table(
        frame.columns,
        True,
        "parquet",
        FrameRows(frame),
        range(1, frame.height + 1),
    )


def _delimited(
    lines: MutableSequence[str],
    file_format: FileFormat | None,
    named: Mapping[str, str | int],
    header: Sequence[str] = (),
) -> Table:
    """``header``: that of the task's training file, which is one here too, whatever it looks like; empty where there is none."""
    records = _records(lines, file_format, named)
    _refuse_short_header(lines, records, named)
    first = records.fields[0] if records.fields else []
    names = [name.strip() for name in first]
    headed = (
        (bool(names) and names == [*header])
        or _holds_names(records, named)
        or has_header(records.fields[: SAMPLE_ROWS + 1])
    )
    if headed:
        records.fields.leave_out_first()
        records.lines.pop(0)
    return Table(
        names if headed else [str(index) for index in range(len(first))],
        headed,
        "tsv" if records.delimiter == "\t" else "csv",
        records.fields,
        records.lines,
        records.bad,
        [f"delimiter {records.delimiter!r}"],
    )


def _refuse_short_header(lines: Sequence[str], records: Records, named: Mapping[str, str | int]) -> None:
    """Raises ``DatasetUnreadable`` where the first line has the names that the user gives, but fewer fields than those below it."""
    own = {column for column in named.values() if isinstance(column, str)}
    number, line = next(((number, line) for number, line in enumerate(lines, 1) if line.strip()), (1, ""))
    header = [field.strip() for field in next(csv.reader((line,), delimiter=records.delimiter), [])]
    width = len(records.fields[0]) if records.fields else 0
    if own and own <= set(header) and len(header) < width and number < records.lines[0]:
        raise DatasetUnreadable(
            f"Line {number} has the names that `columns` gives, but {len(header)} fields where the lines below it have {width}. "
            f"Quote the fields that hold {records.delimiter!r}, or give every column a name.",
            details={"line": number, "sample": sample_of(line), "delimiter": records.delimiter},
        )


def _holds_names(records: Records, named: Mapping[str, str | int]) -> bool:
    """Whether the first record has all the names that the user gives to columns; it is a header then, whatever it looks like."""
    names = {column for column in named.values() if isinstance(column, str)}
    return bool(names) and bool(records.fields) and names <= {field.strip() for field in records.fields[0]}


def _records(lines: MutableSequence[str], file_format: FileFormat | None, named: Mapping[str, str | int]) -> Records:
    """Raises ``DatasetUnreadable`` where too many lines do not have the usual number of fields."""
    if file_format == "tsv":
        records, most = parse_delimited(lines, "\t", named), _MAX_MISFIT_SHARE_OF_GIVEN
    else:
        marked = parse_marked_lines(lines)
        if marked is not None:
            return marked
        records, most = parse_delimited(lines, None, named), _MAX_MISFIT_SHARE_OF_GUESSED
    misfits = [row for row in records.bad if row.reason != "blank row"]
    misfit_share = len(misfits) / max(1, len(misfits) + len(records.fields))
    unsplit = all(len(record) == 1 for record in records.fields[:1])
    if file_format is None and (unsplit or misfit_share > most):
        labelled = parse_label_blank_text(lines)
        if labelled is not None:
            return labelled
    if records.fields and misfit_share > most:
        raise DatasetUnreadable(
            f"{len(misfits)} of {len(misfits) + len(records.fields)} lines cannot be cut into equal records at "
            f"{records.delimiter!r}, first line {misfits[0].line}: {misfits[0].reason}. Quote the fields that hold the "
            "delimiter, or upload JSON Lines.",
            details={"line": misfits[0].line, "sample": misfits[0].sample, "delimiter": records.delimiter},
        )
    return records
