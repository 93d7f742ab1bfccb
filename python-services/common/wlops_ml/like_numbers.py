"""Pairs of problems with one answer and mostly the same numbers: the candidates among which rewordings are looked for.

Not covered: wording, and whether chance explains a match (``paraphrases``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = tuple[str, ...]
#: Row numbers ``(training, held-out)``, shape ``(pairs, 2)``.
Pairs: TypeAlias = npt.NDArray[np.int64]
Sides: TypeAlias = tuple[Sequence[Numbers], Sequence[Numbers]]

MIN_NUMBERS = 2
#: Numbers in common, of the larger side; where one side has all of the other's (a distractor was dropped) half of it is enough.
MIN_OVERLAP, MIN_OVERLAP_WITHIN = 0.6, 0.5
_ROWS_AT_ONCE = 2_000


def pairs_with_like_numbers(spoken: Sides, written: Sides, answers: tuple[Sequence[str], Sequence[str]]) -> Pairs:
    """Pairs with one answer whose numbers overlap enough, counting those in words or only those in digits."""
    found = [np.empty((0, 2), dtype=np.int64)]
    for sides in (spoken, written):
        found += _overlapping(sides, answers)
    return np.unique(np.concatenate(found), axis=0)


def same_problem_codes(
    files: Sequence[str], numbers: Sequence[Numbers], answers: Sequence[str]
) -> npt.NDArray[np.int64]:
    """A number per row, equal where file, all numbers and the answer are; -1 where a row has too few numbers to tell it by."""
    codes: dict[tuple[str, Numbers, str], int] = {}
    of_row = [
        codes.setdefault(problem, len(codes)) if len(problem[1]) >= MIN_NUMBERS else -1
        for problem in zip(files, numbers, answers, strict=True)
    ]
    return np.array(of_row, dtype=np.int64)


def _overlapping(numbers: Sides, answers: tuple[Sequence[str], Sequence[str]]) -> Iterator[Pairs]:
    """In blocks. The n-th occurrence of a number is a member of its own: so multisets are sets, and their overlap a product."""
    from sklearn.feature_extraction.text import CountVectorizer

    members = CountVectorizer(analyzer=_occurrences, binary=True, dtype=np.int32)
    try:
        left = members.fit_transform(numbers[0])
    except ValueError:  # no numbers at all
        return
    right = members.transform(numbers[1])
    sizes = [np.array([len(row) for row in side]) for side in numbers]
    rows_of = [_rows_of(side) for side in answers]
    for answer in sorted(rows_of[0].keys() & rows_of[1].keys()):
        second = rows_of[1][answer]
        for start in range(0, len(rows_of[0][answer]), _ROWS_AT_ONCE):
            first = rows_of[0][answer][start : start + _ROWS_AT_ONCE]
            shared = (left[first] @ right[second].T).tocoo()
            rows, columns = first[shared.row], second[shared.col]
            larger = np.maximum(sizes[0][rows], sizes[1][columns])
            smaller = np.minimum(sizes[0][rows], sizes[1][columns])
            within = (
                (shared.data == smaller) & (shared.data >= MIN_NUMBERS) & (shared.data >= MIN_OVERLAP_WITHIN * larger)
            )
            alike = ((shared.data >= MIN_OVERLAP * larger) | within) & (larger >= MIN_NUMBERS)
            yield np.stack([rows[alike], columns[alike]], axis=1)


def _rows_of(answers: Sequence[str]) -> dict[str, npt.NDArray[np.int64]]:
    rows: dict[str, list[int]] = {}
    for row, answer in enumerate(answers):
        rows.setdefault(answer, []).append(row)
    return {answer: np.array(found, dtype=np.int64) for answer, found in rows.items()}


def _occurrences(row: Numbers) -> list[str]:
    """Each number with how often it stood before: ``3 3 5`` is ``3#0 3#1 5#0``."""
    return [f"{number}#{row[:place].count(number)}" for place, number in enumerate(row)]
