"""The rows that travel between the services: their columns, their ids, and Parquet files with the same bytes every time.

The columns are described in ``docs/job-protocol.md``. Not covered: where rows come from (the optimizer) and what they mean.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from wlops_common.contracts import TaskType as TaskType  # noqa: PLC0414 - offered on to readers of rows
from wlops_ml.runs import Runs
from wlops_ml.text import match_key
from wlops_ml.text_columns import SLICE_ROWS, match_keys, slices

Row: TypeAlias = dict[str, Any]

_SHARED_TAIL = {"group": pl.String, "source": pl.String, "line": pl.Int64, "meta": pl.String}
CLASSIFICATION_SCHEMA = pl.Schema({"id": pl.String, "text": pl.String, "label": pl.String, **_SHARED_TAIL})
GENERATION_SCHEMA = pl.Schema(
    {
        "id": pl.String,
        "prompt": pl.String,
        "completion": pl.String,
        "answer": pl.String,
        "target": pl.String,
        **_SHARED_TAIL,
    }
)
_ID_HEX_DIGITS = 16
_ROWS_PER_GROUP = 65_536


def schema(task_type: TaskType) -> pl.Schema:
    """Columns and types of a row file, in file order."""
    return CLASSIFICATION_SCHEMA if task_type == "classification" else GENERATION_SCHEMA


def input_column(task_type: TaskType) -> str:
    """The column the model reads: ``text`` or ``prompt``."""
    return "text" if task_type == "classification" else "prompt"


def output_column(task_type: TaskType) -> str:
    """The column the model should produce, as the user gave it: ``label`` or ``completion``."""
    return "label" if task_type == "classification" else "completion"


def content_id(given: str, wanted: str) -> str:
    """Sixteen hex digits of sha256 over the normalised content of a row: the same in whichever file or role it stands."""
    content = f"{match_key(given)}\x1f{match_key(wanted)}"
    return sha256(content.encode()).hexdigest()[:_ID_HEX_DIGITS]


def content_ids(pairs: Iterable[tuple[str, str]], taken: dict[str, int] | None = None) -> list[str]:
    """An id per ``(input, output)`` pair; the second row with the same content gets ``-2``, the third ``-3``, in order.

    ``taken`` counts the ids given so far and is updated, so that ids stay unique over several files.
    """
    seen = {} if taken is None else taken
    ids = []
    for given, wanted in pairs:
        base = content_id(given, wanted)
        seen[base] = seen.get(base, 0) + 1
        ids.append(base if seen[base] == 1 else f"{base}-{seen[base]}")
    return ids


def content_id_column(given: pl.Series, wanted: pl.Series) -> pl.Series:
    """``content_ids`` of two columns, as a column."""
    digests = b"".join(
        sha256(key.encode()).digest()[: _ID_HEX_DIGITS // 2]
        for inputs, outputs in zip(slices(given), slices(wanted), strict=True)
        for key in (match_keys(inputs) + "\x1f" + match_keys(outputs)).to_list()
    )
    hashes = np.frombuffer(digests, dtype=">u8")
    places = Runs.of(hashes).places()
    ids = _hex(hashes)
    again = np.flatnonzero(places)
    if len(again) == 0:
        return ids
    numbers = pl.Series(places[again] + 1).cast(pl.String)
    return ids.scatter(again, ids.gather(again) + "-" + numbers)


def _hex(hashes: npt.NDArray[Any]) -> pl.Series:
    """Numbers of 64 bits, big-endian, as texts of 16 hex digits."""
    parts = [
        pl.Series(
            pa.LargeStringArray.from_buffers(
                len(part),
                pa.py_buffer(np.arange(0, 16 * len(part) + 1, 16)),
                pa.py_buffer(part.tobytes().hex().encode()),
            )
        )
        for part in np.array_split(hashes, len(hashes) // SLICE_ROWS + 1)
    ]
    return pl.concat(parts).alias("id")


def frame(rows: Iterable[Row], task_type: TaskType) -> pl.DataFrame:
    """Rows as a table with exactly the columns of the schema; absent ones are null."""
    columns = schema(task_type)
    return pl.DataFrame([{name: row.get(name) for name in columns} for row in rows], schema=columns)


def to_parquet(table: pl.DataFrame, task_type: TaskType) -> bytes:
    """The table as a Parquet file, sorted by ``id``. The same rows give the same bytes, in whatever order they come.

    Raises ``ValueError`` when an id occurs twice or a column is missing.
    """
    sink = io.BytesIO()
    write_parquet(sink, table, task_type)
    return sink.getvalue()


def write_parquet(
    sink: BinaryIO,
    table: pl.DataFrame,
    task_type: TaskType,
    finish: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows,
) -> None:
    """As ``to_parquet``, into a file and one row group at a time.

    ``finish`` is applied to each group of rows on its way; ``table`` needs an ``id`` and what ``finish`` makes the columns of.
    """
    columns = schema(task_type)
    order = table["id"].arg_sort()
    writer: pq.ParquetWriter | None = None
    last: str | None = None
    for start in range(0, max(1, table.height), _ROWS_PER_GROUP):
        rows = finish(table[order.slice(start, _ROWS_PER_GROUP)]).select(list(columns)).cast(dict(columns))  # type: ignore[arg-type]
        ids = rows["id"]
        if ids.n_unique() != rows.height or (last is not None and last == ids[0]):
            raise ValueError("two rows share one id")
        last = ids[-1] if rows.height else None
        arrow = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).replace_schema_metadata(None)
        writer = writer or pq.ParquetWriter(sink, arrow.schema, compression="zstd", store_schema=False)
        writer.write_table(arrow, row_group_size=_ROWS_PER_GROUP)
    assert writer is not None  # noqa: S101 - there is one group at least, if an empty one
    writer.close()


def from_parquet(source: bytes | Path) -> pl.DataFrame:
    """The table of a row file. Raises ``ValueError`` when it is not one."""
    try:
        arrow = pq.read_table(pa.BufferReader(source) if isinstance(source, bytes) else source)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"not a Parquet file: {error}") from error
    table = pl.DataFrame(pl.from_arrow(arrow))
    expected = schema(task_type_of(table))
    return table.select(list(expected)).cast(dict(expected))  # type: ignore[arg-type]


def task_type_of(table: pl.DataFrame) -> TaskType:
    """Which task the columns are for. Raises ``ValueError`` when a column of the row schema is missing."""
    for task_type in ("classification", "generation"):
        if set(schema(task_type)) <= set(table.columns):
            return task_type
    raise ValueError(f"not a row file: it has the columns {', '.join(table.columns)}")


def iterate(table: pl.DataFrame) -> Iterator[Row]:
    """The rows as dicts, in table order."""
    return table.iter_rows(named=True)
