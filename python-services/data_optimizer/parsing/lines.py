"""The lines of a text, decoded as they are asked for: as strings, those of ten million rows would take several times the file's size."""

from __future__ import annotations

from collections.abc import Iterator, MutableSequence
from typing import Any, overload

import numpy as np

_BLOCK_LINES = 4_096
_FEED = ord("\n")
_SCANNED_BYTES = 16 * 1024**2
#: A smaller text is split at once, which is faster.
_SPLIT_BYTES = 32 * 1024**2


def lines_of(data: bytes) -> MutableSequence[str]:
    """The lines of a text in UTF-8 with line feeds as line ends; what follows the last of those is a line too, even if empty."""
    return data.decode().split("\n") if len(data) <= _SPLIT_BYTES else Lines(data)


class Lines(MutableSequence[str]):
    """As a list of lines: its length is fixed, single lines can be replaced. Quick where one line is asked for after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        #: Where each line begins, and one feed after the end.
        self._starts = _starts(data)
        self._replaced: dict[int, str] = {}
        self._block: tuple[int, list[str]] = (-1, [])

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[index] for index in range(*place.indices(len(self)))]
        if place < 0:
            place += len(self)
        number, offset = divmod(place, _BLOCK_LINES)
        if self._block[0] != number:
            if not 0 <= place < len(self):
                raise IndexError(place)
            self._block = number, self._decoded(number)
        return self._block[1][offset]

    def __setitem__(self, place: Any, line: Any) -> None:
        self._replaced[place] = line
        self._block = (-1, [])

    def __delitem__(self, place: Any) -> None:
        raise TypeError("lines cannot be taken out")

    def insert(self, index: int, value: str) -> None:  # noqa: ARG002 - a list's
        """Not possible."""
        raise TypeError("lines cannot be put in between")

    def __iter__(self) -> Iterator[str]:
        for number in range(-(-len(self) // _BLOCK_LINES)):
            yield from self._decoded(number)

    def _decoded(self, number: int) -> list[str]:
        first = number * _BLOCK_LINES
        last = min(first + _BLOCK_LINES, len(self))
        lines = self._data[self._starts[first] : self._starts[last] - 1].decode().split("\n")
        for place, line in self._replaced.items():
            if first <= place < last:
                lines[place - first] = line
        return lines


def _starts(data: bytes) -> Any:
    """Shape ``(lines + 1,)``."""
    parts = [np.zeros(1, dtype=np.int64)]
    for start in range(0, len(data), _SCANNED_BYTES):
        piece = np.frombuffer(data, dtype=np.uint8, count=min(_SCANNED_BYTES, len(data) - start), offset=start)
        parts.append(np.flatnonzero(piece == _FEED) + (start + 1))
    return np.concatenate([*parts, np.array([len(data) + 1])])
