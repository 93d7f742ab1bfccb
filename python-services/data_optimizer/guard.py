"""Keeps held-out rows out of training: copies and near copies between files, and among rows made later.

Later iterations check every row they make against an index of hashes, without being able to read the sealed texts.
Not covered: paraphrases (``paraphrases``), which hashes cannot show among rows made later.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np
import polars as pl

from data_optimizer.journal import Outcome, removal
from wlops_common.contracts import TaskType
from wlops_ml.near_duplicates import SIGNATURE_VALUES, Signatures, band_hashes, nearly_among, signatures
from wlops_ml.overlap import NEAR_DUPLICATE_SIMILARITY
from wlops_ml.text import match_key, numbers

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
    rank = rows.with_columns(pl.col("file").replace_strict(_PRECEDENCE, return_dtype=pl.Int8).alias("_rank"))
    strongest = rank.with_columns(pl.col("_rank").min().over("group").alias("_strongest"))
    file_of = {number: name for name, number in _PRECEDENCE.items()}
    keys_of = {name: set(rows.filter(pl.col("file") == name)["key"].to_list()) for name in _COPY_OF}
    reasons: list[str | None] = []
    for own, best, key in zip(
        strongest["_rank"].to_list(), strongest["_strongest"].to_list(), rows["key"].to_list(), strict=True
    ):
        owner = file_of[best]
        kind = "copy" if own > best and key in keys_of[owner] else "near copy"
        reasons.append(None if own == best else f"{kind} of a row in {_COPY_OF[owner]}")
    return removal(rows, reasons)


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

    def __init__(self, key_hashes: list[str], number_hashes: list[str], signed: Signatures) -> None:
        self._key_hashes, self._number_hashes, self._signed = key_hashes, number_hashes, signed
        self._known = set(key_hashes)
        self._buckets: dict[tuple[int, int], list[int]] = {}
        for index, bands in enumerate(band_hashes(signed).tolist()):
            for band, value in enumerate(bands):
                self._buckets.setdefault((band, value), []).append(index)

    @classmethod
    def of(cls, texts: list[str]) -> GuardIndex:
        """The index of these inputs."""
        return cls(
            [_hash(match_key(text)) for text in texts],
            [_hash(" ".join(numbers(text))) for text in texts],
            signatures(texts),
        )

    def refuses(self, texts: list[str], task_type: TaskType) -> list[bool]:
        """For each text whether it is, nearly, one of the indexed; for generation only with the same numbers."""
        if not texts:
            return []
        signed = signatures(texts)
        return [
            _hash(match_key(text)) in self._known or self._near(text, signed[index], bands, task_type)
            for index, (text, bands) in enumerate(zip(texts, band_hashes(signed).tolist(), strict=True))
        ]

    def _near(self, text: str, signature: Signatures, bands: list[int], task_type: TaskType) -> bool:
        candidates = {index for band, value in enumerate(bands) for index in self._buckets.get((band, value), ())}
        own_numbers = _hash(" ".join(numbers(text))) if task_type == "generation" else None
        return any(
            (own_numbers is None or self._number_hashes[index] == own_numbers)
            and float((self._signed[index] == signature).mean()) >= _INDEX_SIMILARITY
            for index in candidates
        )

    def to_parquet(self) -> bytes:
        """The index as a file; rows sorted by hash, so that they tell nothing about the order of the data."""
        table = pl.DataFrame(
            {
                "key": self._key_hashes,
                "numbers": self._number_hashes,
                "signature": [row.astype("<u4").tobytes() for row in self._signed],
            },
            schema={"key": pl.String, "numbers": pl.String, "signature": pl.Binary},
        )
        sink = io.BytesIO()
        table.sort("key", "numbers").write_parquet(sink, compression="zstd", statistics=False)
        return sink.getvalue()

    @classmethod
    def from_parquet(cls, data: bytes) -> GuardIndex:
        """The inverse of ``to_parquet``."""
        table = pl.read_parquet(io.BytesIO(data))
        signed = (
            np.frombuffer(b"".join(table["signature"].to_list()), dtype="<u4")
            .reshape(-1, SIGNATURE_VALUES)
            .astype(np.uint32)
        )
        return cls(table["key"].to_list(), table["numbers"].to_list(), signed)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
