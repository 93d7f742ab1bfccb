"""The user's files to one table of clean rows with ids: fetch, parse, normalise, take out what is unusable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from data_optimizer.journal import Journal
from data_optimizer.parsing.reader import FileRole, ReadDataset, read_dataset
from data_optimizer.steps.filters import usable
from data_optimizer.steps.normalise import normalise
from data_optimizer.steps.personal_data import masked, masked_columns
from data_optimizer.steps.unknown_labels import without_unknown
from data_optimizer.working_rows import FILE, SCHEMA, compact, with_keys
from wlops_common.contracts import ObjectRef, OptimizeRequest, SourceFile, UnknownLabels
from wlops_common.errors import DatasetEmpty, DatasetError
from wlops_common.job_context import JobContext
from wlops_ml.rows import TaskType, content_id_column


@dataclass(frozen=True)
class Intake:
    """The usable rows of all files, without groups and roles yet."""

    rows: pl.DataFrame
    task_type: TaskType
    #: Whether a pool was given, and not an empty one.
    has_pool: bool


def take_in(context: JobContext, request: OptimizeRequest, journal: Journal) -> Intake:
    """Read all files of the request; a pool without a single row counts as none.

    Raises the ``DatasetError`` of the first one that cannot be used, naming the file.
    """
    named: list[tuple[FileRole, SourceFile | None]] = [
        ("training", request.source),
        ("validation", request.validation),
        ("test", request.test),
        ("pool", request.pool),
    ]
    tables: list[pl.DataFrame] = []
    training: ReadDataset | None = None
    facts: dict[str, Any] = {}
    for file, source in named:
        if source is None:
            continue
        started = journal.begin(f"parse {file}")
        try:
            read = _read(context, file, source, request.task_type, training)
        except DatasetEmpty as error:
            if file != "pool" or (error.details or {}).get("badRows"):
                raise
            journal.record_parsing("parse pool", file, 0, [], started)
            facts[file] = {"notes": ["the file holds not a single row: the task goes on as if no pool had been given"]}
            continue
        training = training or read
        journal.record_parsing(f"parse {file}", file, read.rows_in_file, read.bad, started)
        facts[file] = read.facts
        journal.files.append(read.told(file))
        tables.append(read.rows.with_columns(pl.lit(file, dtype=FILE).alias("file")))
    assert training is not None  # noqa: S101 - the request has a source
    journal.facts["files"] = facts
    task_type = training.task_type
    raw = pl.concat(tables)
    del training, tables
    started = journal.begin("normalise")
    clean = normalise(raw, task_type)
    edited = _edited(raw, clean, ["given", "wanted"])
    journal.record("normalise", raw.height, clean.height, None, started, changed=edited)
    del raw
    if request.operators is not None and request.operators.mask_personal_data:
        clean = _without_personal_data(clean, ["given", "wanted"] if task_type == "generation" else ["given"], journal)
    rows = journal.run("filter", lambda table: usable(table, task_type), clean)
    read_files = [one.file for one in journal.files]
    has_pool = "pool" in read_files
    if task_type == "classification" and has_pool:
        rows = _with_known_labels(rows, journal)
    for file in read_files:
        if rows.filter(pl.col("file") == file).height == 0:
            first = journal.first_of_file[file]
            raise DatasetEmpty(
                f"No usable row is left of the {file} file; the first was taken out at line {first['line']}: {first['reason']}.",
                details={"file": file, "line": first["line"], "sample": first["sample"], "reason": first["reason"]},
            )
    ids = content_id_column(rows["given"], rows["wanted"])
    empty = (pl.lit(None, dtype=SCHEMA[name]).alias(name) for name in ("group", "role"))
    whole = rows.with_columns(ids, pl.lit("original").alias("source"), *empty).select(list(SCHEMA))
    return Intake(compact(whole, task_type), task_type, has_pool)


def _with_known_labels(rows: pl.DataFrame, journal: Journal) -> pl.DataFrame:
    """The rows without those of the pool whose label the training file does not have."""
    started = journal.begin("unknown labels, pool")
    kept, removed = without_unknown(rows)
    journal.record("unknown labels, pool", rows.height, kept.height, removed, started)
    if removed.height:
        journal.unknown_labels["pool"] = UnknownLabels(rows=removed.height, labels=removed["wanted"].n_unique())
    return kept


def _without_personal_data(rows: pl.DataFrame, columns: list[str], journal: Journal) -> pl.DataFrame:
    """The rows with what points to a person masked in these columns and in the user's other ones; keys are those of the masked texts."""
    started = journal.begin("personal data")
    changed = rows.with_columns(*(masked(rows[name]) for name in columns), masked_columns(rows["meta"]))
    edited = _edited(rows, changed, [*columns, "meta"])
    journal.record("personal data", rows.height, changed.height, None, started, changed=edited)
    return with_keys(changed)


def _edited(before: pl.DataFrame, after: pl.DataFrame, columns: list[str]) -> int:
    """In how many rows one of these columns differs."""
    differs = pl.DataFrame([(before[name] != after[name]).alias(name) for name in columns])
    return int(differs.select(pl.any_horizontal(pl.all()).sum()).item())


def _read(
    context: JobContext, file: FileRole, source: SourceFile, task_type: TaskType | None, training: ReadDataset | None
) -> ReadDataset:
    path = context.work_dir / file
    context.store.download(ObjectRef(key=source.key, sha256=source.sha256), path)
    try:
        return read_dataset(
            path,
            role=file,
            file_format=source.format,
            columns=source.columns,
            task_type=task_type or (training.task_type if training else None),
            like=training,
        )
    except DatasetError as error:
        found = {key: value for key, value in (error.details or {}).items() if file != "test" or key != "sample"}
        error.details = {"file": file, "datasetId": source.dataset_id, **found}
        if f"{file} file" not in error.message:
            error.message = f"The {file} file: {error.message}"
        raise
    finally:
        path.unlink(missing_ok=True)
