"""A sample that shows a whole list: files are often sorted by class, so their first rows say little about the rest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

_Item = TypeVar("_Item")
#: Its multiples spread evenly between 0 and 1, so that no period of the list (every second row, every tenth) hides in the sample.
_GOLDEN_RATIO = 0.6180339887498949


def spread(items: Sequence[_Item], limit: int) -> list[_Item]:
    """At most ``limit`` items in their order, one from each of as many equal stretches; the first item is always there."""
    if len(items) <= limit:
        return list(items)
    starts = [index * len(items) // limit for index in range(limit + 1)]
    return [
        items[start + int(index * _GOLDEN_RATIO % 1 * (end - start))]
        for index, (start, end) in enumerate(pairwise(starts))
    ]
