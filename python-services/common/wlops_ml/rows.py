"""The rows that travel between the services: their columns, their ids, and Parquet files with the same bytes every time.

The columns are described in ``docs/job-protocol.md``. Not covered: where rows come from (the optimizer) and what they mean.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from wlops_common.contracts import TaskType as TaskType  # noqa: PLC0414 - offered on to readers of rows
from wlops_ml.text import match_key

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
    return hashlib.sha256(content.encode()).hexdigest()[:_ID_HEX_DIGITS]


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


def frame(rows: Iterable[Row], task_type: TaskType) -> pl.DataFrame:
    """Rows as a table with exactly the columns of the schema; absent ones are null."""
    columns = schema(task_type)
    return pl.DataFrame([{name: row.get(name) for name in columns} for row in rows], schema=columns)


def to_parquet(table: pl.DataFrame, task_type: TaskType) -> bytes:
    """The table as a Parquet file, sorted by ``id``. The same rows give the same bytes, in whatever order they come.

    Raises ``ValueError`` when an id occurs twice or a column is missing.
    """
    ordered = table.select(list(schema(task_type))).cast(dict(schema(task_type))).sort("id")  # type: ignore[arg-type]
    if ordered["id"].n_unique() != ordered.height:
        raise ValueError("two rows share one id")
    arrow = ordered.to_arrow(compat_level=pl.CompatLevel.oldest()).replace_schema_metadata(None)
    sink = io.BytesIO()
    pq.write_table(arrow, sink, compression="zstd", row_group_size=_ROWS_PER_GROUP, store_schema=False)
    return sink.getvalue()


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
