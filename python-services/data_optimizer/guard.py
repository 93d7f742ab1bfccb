"""Keeps held-out rows out of training: copies and near copies between files, and among rows made later.

Later iterations check every row they make against an index of hashes, without being able to read the sealed texts.
Not covered: paraphrases (``paraphrases``), which hashes cannot show among rows made later.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from data_optimizer.journal import Mask, Outcome, removal_where
from wlops_common.contracts import TaskType
from wlops_ml.minhash import SIGNATURE_VALUES, Signatures, band_hashes, signatures
from wlops_ml.near_duplicates import nearly_among
from wlops_ml.overlap import NEAR_DUPLICATE_SIMILARITY
from wlops_ml.runs import Runs
from wlops_ml.text import match_key, numbers
from wlops_ml.text_columns import match_keys, number_texts, slices

#: Whose copy stays when two of the user's files hold the same text: the most held-out one.
_PRECEDENCE = {"test": 0, "validation": 1, "training": 2, "pool": 3}
_COPY_OF = {"test": "the test file", "validation": "the validation file", "training": "the training file"}
#: Signatures estimate the similarity; the index holds no texts to verify with, so the bound is a little lower than for pairs.
_INDEX_SIMILARITY = 0.85


@dataclass(frozen=True)
class Overlaps:
    """Held-out rows whose text also stands in the training file, counted before the purge: as it is, or at a similarity of 0.9 or more."""

    exact: int
    near: int


def purge(rows: pl.DataFrame) -> Outcome:
    """Take out each row whose near-duplicate group reaches into a more held-out file, so that no group spans two files.

    Groups join over others: a row that goes may be less similar to any held-out row than what ``count_overlaps`` counts.
    """
    if rows["file"].n_unique() < 2:
        return removal_where(rows, {})
    ranks = rows["file"].cast(pl.String).replace_strict(_PRECEDENCE, return_dtype=pl.Int8).to_numpy()
    groups = Runs.of(rows["group"].hash().to_numpy())
    strongest = groups.spread(groups.least(ranks))
    keys = rows["key"].to_numpy()
    faults: dict[str, Mask] = {}
    for name, owner in _COPY_OF.items():
        goes = (strongest == _PRECEDENCE[name]) & (ranks > strongest)
        copied = goes.copy()
        copied[goes] = np.isin(keys[goes], keys[ranks == _PRECEDENCE[name]])
        faults[f"copy of a row in {owner}"] = copied
        faults[f"near copy of a row in {owner}"] = goes & ~copied
    return removal_where(rows, faults)


def count_overlaps(grouped: pl.DataFrame) -> Overlaps:
    """Rows of the test file (without one: of the validation file) whose text is in the training file too, or nearly.

    Near ones are verified with the training rows of their group: a group alone may reach there over other held-out rows.
    """
    files = set(grouped["file"].unique().to_list())
    training = grouped.filter(pl.col("file") == "training")
    held_out = grouped.filter(pl.col("file") == ("test" if "test" in files else "validation"))
    copied = pl.col("key").is_in(training["key"].unique().implode())
    rest = held_out.filter(~copied & pl.col("group").is_in(training["group"].unique().implode()))
    beside = training.filter(pl.col("group").is_in(rest["group"].unique().implode()))
    near = nearly_among(
        rest["given"].to_list(),
        beside["given"].to_list(),
        NEAR_DUPLICATE_SIMILARITY,
        rest["group"].to_list(),
        beside["group"].to_list(),
    )
    return Overlaps(held_out.filter(copied).height, sum(near))


class GuardIndex:
    """Hashes and signatures of held-out inputs: says whether a new text is one of them or nearly one, and holds no text."""

    def __init__(self, key_hashes: pl.Series, number_hashes: pl.Series, signed: Signatures) -> None:
        self._key_hashes, self._number_hashes, self._signed = key_hashes, number_hashes, signed
        self._known = set(key_hashes)
        hashed = band_hashes(signed)
        #: For each band the rows in the order of their hashes, and those hashes: what equals one is found by bisection.
        self._orders = np.argsort(hashed, axis=0, kind="stable")
        self._ordered = np.take_along_axis(hashed, self._orders, axis=0)

    @classmethod
    def of(cls, texts: list[str]) -> GuardIndex:
        """The index of these inputs."""
        return cls(*_hashes_of(pl.Series(texts, dtype=pl.String)), signatures(texts))

    def refuses(self, texts: list[str], task_type: TaskType) -> list[bool]:
        """For each text whether it is, nearly, one of the indexed; for generation only with the same numbers."""
        if not texts:
            return []
        signed = signatures(texts)
        hashed = band_hashes(signed)
        spans = [
            (
                np.searchsorted(self._ordered[:, band], values, "left"),
                np.searchsorted(self._ordered[:, band], values, "right"),
            )
            for band, values in enumerate(hashed.T)
        ]
        return [
            _hash(match_key(text)) in self._known
            or self._near(text, signed[row], [(int(low[row]), int(high[row])) for low, high in spans], task_type)
            for row, text in enumerate(texts)
        ]

    def _near(self, text: str, signature: Signatures, spans: list[tuple[int, int]], task_type: TaskType) -> bool:
        """``spans``: for each band where in its order the rows stand that share it."""
        candidates = {int(row) for band, (low, high) in enumerate(spans) for row in self._orders[low:high, band]}
        own_numbers = _hash(" ".join(numbers(text))) if task_type == "generation" else None
        return any(
            (own_numbers is None or self._number_hashes[index] == own_numbers)
            and float((self._signed[index] == signature).mean()) >= _INDEX_SIMILARITY
            for index in candidates
        )

    def to_parquet(self) -> bytes:
        """The index as a file."""
        sink = io.BytesIO()
        _write(sink, self._key_hashes, self._number_hashes, lambda rows: self._signed[rows.to_numpy()])
        return sink.getvalue()

    @classmethod
    def from_parquet(cls, data: bytes) -> GuardIndex:
        """The inverse of ``to_parquet`` and ``write_index``."""
        table = pl.read_parquet(io.BytesIO(data))
        signed = (
            np.frombuffer(b"".join(table["signature"].to_list()), dtype="<u4")
            .reshape(-1, SIGNATURE_VALUES)
            .astype(np.uint32)
        )
        return cls(table["key"], table["numbers"], signed)


def write_index(sink: BinaryIO, texts: pl.Series) -> None:
    """The ``GuardIndex`` of these inputs as a Parquet file, made in pieces: that of millions would fill the memory."""
    keys, number_hashes = _hashes_of(texts)
    _write(sink, keys, number_hashes, lambda rows: signatures(texts.gather(rows).to_list()))


def _write(
    sink: BinaryIO, key_hashes: pl.Series, number_hashes: pl.Series, signed: Callable[[pl.Series], Signatures]
) -> None:
    """``signed`` gives the signatures of rows by number. Rows go out in the order of their hashes, which tells nothing of the data's."""
    hashes = pl.DataFrame([key_hashes.alias("key"), number_hashes.alias("numbers")])
    columns = pa.schema({"key": pa.string(), "numbers": pa.string(), "signature": pa.binary()})
    with pq.ParquetWriter(sink, columns, compression="zstd", store_schema=False) as writer:
        for rows in slices(hashes.select(pl.arg_sort_by("key", "numbers")).to_series()):
            part = hashes[rows].to_dict(as_series=False)
            part["signature"] = [row.astype("<u4").tobytes() for row in signed(rows)]
            writer.write_table(pa.table(part, schema=columns))


def _hashes_of(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """For each text a hash of its match key and one of its numbers."""
    keys = (pl.Series([*map(_hash, match_keys(part).to_list())], dtype=pl.String) for part in slices(texts))
    found = (pl.Series([*map(_hash, number_texts(part).to_list())], dtype=pl.String) for part in slices(texts))
    nothing = pl.Series([], dtype=pl.String)
    return pl.concat([nothing, *keys]), pl.concat([nothing, *found])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
