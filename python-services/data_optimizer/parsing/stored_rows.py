"""Rows of a file while it is found out what they mean: few in memory, many on disk."""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, overload

import polars as pl

from data_optimizer.parsing.table import only_entry

_CHUNK_ROWS = 16_384
_WRITTEN_BYTES = 16 * 1024**2
#: This many rows stay in memory.
_MEMORY_ROWS = 8 * _CHUNK_ROWS


class StoredRows(Sequence[list[Any]]):
    """Rows of JSON values in the order they were added; quick where one row is asked for after another.

    Beyond ``_MEMORY_ROWS`` they go to a temporary file that is gone with them.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._tail: list[list[Any]] = []
        self._file: int | None = None
        self._first = 0
        #: Where each chunk begins in the file.
        self._starts = [0]
        self._chunk: tuple[int, list[list[Any]]] = (-1, [])

    def append(self, row: list[Any]) -> None:
        """Add a row."""
        self._tail.append(row)
        if len(self._tail) >= _MEMORY_ROWS or (self._file is not None and len(self._tail) >= _CHUNK_ROWS):
            self._store()

    def leave_out_first(self) -> None:
        """Begin with the second row from now on: the first was a header."""
        self._first += 1

    def __len__(self) -> int:
        return self._stored + len(self._tail) - self._first

    @overload
    def __getitem__(self, place: int) -> list[Any]: ...

    @overload
    def __getitem__(self, place: slice) -> list[list[Any]]: ...

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [self[index] for index in range(*place.indices(len(self)))]
        if place < 0:
            place += len(self)
        if not 0 <= place < len(self):
            raise IndexError(place)
        number, offset = divmod(place + self._first, _CHUNK_ROWS)
        if number >= len(self._starts) - 1:
            return self._tail[place + self._first - self._stored]
        if self._chunk[0] != number:
            self._chunk = number, self._read(number)
        return self._chunk[1][offset]

    def __iter__(self) -> Iterator[list[Any]]:
        chunks = map(self._read, range(len(self._starts) - 1))
        return islice(chain(chain.from_iterable(chunks), self._tail), self._first, None)

    @property
    def _stored(self) -> int:
        return (len(self._starts) - 1) * _CHUNK_ROWS

    def _store(self) -> None:
        if self._file is None:
            self._file, name = tempfile.mkstemp(dir=self._folder)
            Path(name).unlink()
            weakref.finalize(self, os.close, self._file)
        while len(self._tail) >= _CHUNK_ROWS:
            data = json.dumps(self._tail[:_CHUNK_ROWS]).encode()
            for start in range(0, len(data), _WRITTEN_BYTES):
                os.pwrite(self._file, data[start : start + _WRITTEN_BYTES], self._starts[-1] + start)
            self._starts.append(self._starts[-1] + len(data))
            del self._tail[:_CHUNK_ROWS]

    def _read(self, number: int) -> list[list[Any]]:
        assert self._file is not None  # noqa: S101 - there is a chunk
        start, end = self._starts[number : number + 2]
        pieces = range(start, end, _WRITTEN_BYTES)
        data = b"".join(os.pread(self._file, min(_WRITTEN_BYTES, end - piece), piece) for piece in pieces)
        rows: list[list[Any]] = json.loads(data)
        return rows


class FrameRows(Sequence[list[Any]]):
    """Rows of a data frame, as lists, made when they are asked for."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __len__(self) -> int:
        return self._frame.height

    @overload
    def __getitem__(self, place: int) -> list[Any]: ...

    @overload
    def __getitem__(self, place: slice) -> list[list[Any]]: ...

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [*map(_plain, self._frame[place].iter_rows())]
        return _plain(self._frame.row(place))

    def __iter__(self) -> Iterator[list[Any]]:
        return map(_plain, self._frame.iter_rows())


def _plain(row: tuple[Any, ...]) -> list[Any]:
    return [*map(only_entry, row)]
