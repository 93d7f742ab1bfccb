"""Which texts share a MinHash band with another one: found one band at a time, so that memory holds little but the texts that do.

All signatures of ten million texts would take 4.5 GB. Here they go through a temporary file, and only the texts that share a band with
another, as a rule few, get theirs back, one byte per value, which is enough to see how alike two texts may be.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from wlops_ml.minhash import BANDS, SIGNATURE_VALUES, Signatures, band_hashes
from wlops_ml.runs import Integers, Runs

Bytes = npt.NDArray[np.uint8]

#: Up to this many bytes per column stay in memory.
_MEMORY_BYTES = 4 * 1024**2
_SIGNATURES_AT_ONCE = 65_536


@dataclass(frozen=True)
class Bucket:
    """The crowded part of one band: texts that share it with another, bucket after bucket, ascending within one.

    ``members`` are places in ``Crowd.rows``; ``numbers`` says for each in which bucket it is. Both of shape ``(members,)``.
    """

    members: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.int32]


class Crowd:
    """The texts that share a band with another text. ``rows`` are their numbers, ascending, shape ``(texts,)``."""

    def __init__(
        self, batches: Iterable[tuple[Signatures, npt.NDArray[np.uint64]]], count: int, scratch: Path | None = None
    ) -> None:
        """``batches``: signatures of ``count`` texts in order, with the hash of what must be equal beside them.

        ``scratch``: the folder for temporary files, which are gone when the crowd is.
        """
        signed, columns = _file(scratch), [_file(scratch) for _ in range(BANDS)]
        for signatures, keys in batches:
            signed.write(signatures.astype(np.uint8).tobytes())
            hashed = band_hashes(signatures) ^ (keys * np.uint64(0xD6E8FEB86659FD93))[:, None]
            for band, column in enumerate(columns):
                column.write(np.ascontiguousarray(hashed[:, band]).tobytes())
        crowded = np.zeros(count, dtype=bool)
        self._buckets = [_file(scratch) for _ in range(BANDS)]
        for column, kept in zip(columns, self._buckets, strict=True):
            rows, numbers = _shared(np.frombuffer(_whole(column), dtype=np.uint64))
            column.close()
            crowded[rows] = True
            kept.write(rows.tobytes())
            kept.write(numbers.tobytes())
        self.rows: Integers = np.flatnonzero(crowded).astype(np.int32)
        self._places = np.cumsum(crowded, dtype=np.int32) - 1
        self.signatures = _selected(signed, crowded)

    def close(self) -> None:
        """Remove the temporary files; buckets cannot be read any more."""
        for file in self._buckets:
            file.close()

    def bucket(self, band: int) -> Bucket:
        """The crowded part of one band."""
        both = np.frombuffer(_whole(self._buckets[band]), dtype=np.int32).reshape(2, -1)
        return Bucket(self._places[both[0]], both[1])

    def agreement(self, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """The share of equal signature values of texts at these places, about their similarity; shape ``(pairs,)``."""
        return np.asarray((self.signatures[left] == self.signatures[right]).mean(axis=1))


def _shared(hashes: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Rows whose hash another row has too, run after run, and the number of each one's run."""
    runs = Runs.of(hashes)
    several = np.repeat(runs.sizes > 1, runs.sizes)
    numbers = np.repeat(np.arange(len(runs.starts), dtype=np.int32), runs.sizes)
    return runs.order[several], numbers[several]


def _selected(signed: IO[bytes], crowded: npt.NDArray[np.bool_]) -> Bytes:
    """The signatures of the crowded rows, shape ``(crowded, 112)``; read in pieces."""
    result = np.empty((int(crowded.sum()), SIGNATURE_VALUES), dtype=np.uint8)
    signed.seek(0)
    filled = 0
    for start in range(0, len(crowded), _SIGNATURES_AT_ONCE):
        mask = crowded[start : start + _SIGNATURES_AT_ONCE]
        piece = np.frombuffer(signed.read(len(mask) * SIGNATURE_VALUES), dtype=np.uint8).reshape(-1, SIGNATURE_VALUES)
        chosen = piece[mask]
        result[filled : filled + len(chosen)] = chosen
        filled += len(chosen)
    signed.close()
    return result


def _file(folder: Path | None) -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(_MEMORY_BYTES, dir=None if folder is None else str(folder))


def _whole(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
