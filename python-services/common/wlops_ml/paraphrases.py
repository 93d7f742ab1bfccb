"""The same maths problem in other words: alike in wording, in numbers and in the answer.

Two uses. Within one of the user's files such rows join one group and so get one role (``joined``): no row is lost. Between roles a training
row that rewords a held-out one is contamination (``reworded``), unless chance explains it: where many rows share a template and numbers
are small, two people who write problems on their own write the same one again and again, and taking those out would take out most rows.

A match is judged by the number of training rows that would be as good a match by chance, as sequence searches do (the E-value of Karlin
and Altschul, 1990): rows at least as alike in wording, times the chance that a row has the numbers the two share. Numbers count in digits
and in words. Not covered: rewordings with other numbers or another answer, and texts that share few word stems.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb, perm, prod
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from wlops_ml.answers import final_answer, flexible_answer, normal_text, parse_number
from wlops_ml.connected import connected_groups
from wlops_ml.like_numbers import Numbers, Pairs, pairs_with_like_numbers, same_problem_codes
from wlops_ml.spoken_numbers import spoken_numbers
from wlops_ml.text import numbers as digits
from wlops_ml.wording import Wording, cosines

#: Texts this alike share a topic and most of their words; less alike ones, down to the second bound, need stronger evidence.
LIKE_WORDED, LOOSELY_WORDED = 0.3, 0.12
#: A match is no evidence where this many training rows or more are expected to match a held-out one by chance.
CHANCE_MATCHES, CHANCE_MATCHES_LOOSE = 0.1, 0.01
#: Of very many rows with equal numbers and answer each is compared with this many that follow it in the order of their texts.
_NEIGHBOURS = 32
#: Training rows from which it is estimated how common a wording is, and how rare a 4-gram.
_SAMPLE_ROWS, _VOCABULARY_ROWS = 2_000, 20_000
_ROWS_AT_ONCE = 2_000
_PAIRS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Reworded:
    """Row numbers of training rows that reword a held-out row, of those held-out rows, and of held-out rows met by chance only.

    ``expected`` has for each row of ``held_out`` how many training rows are expected to match it as well as its best match by chance, and
    ``best`` that match. A match is judged row by row, so in a large set some are found that chance made.
    """

    training: frozenset[int]
    held_out: frozenset[int]
    by_chance: frozenset[int]
    expected: dict[int, float]
    best: dict[int, int]


NOTHING = Reworded(frozenset(), frozenset(), frozenset(), {}, {})


def joined(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the groups of one file joined where they hold one problem: all its numbers, its answer, its wording."""
    given, ids, files = rows["given"].to_list(), rows["id"].to_list(), rows["file"].to_list()
    answers = [answer_of(wanted) for wanted in rows["wanted"].to_list()]
    wording = Wording.of([given[at] for at in _first_by_id(ids, _VOCABULARY_ROWS)])
    if wording is None:
        return rows
    weights = wording.weights(given)
    first_of: dict[str, int] = {}
    own = [(first_of.setdefault(group, at), at) for at, group in enumerate(rows["group"].to_list())]
    pairs = [np.array(own, dtype=np.int64).reshape(-1, 2)]
    for read in (digits, spoken_numbers):
        code_of = same_problem_codes(files, [read(text) for text in given], answers)
        order = np.array(
            sorted(np.flatnonzero(code_of >= 0).tolist(), key=lambda at: (code_of[at], given[at], ids[at])),
            dtype=np.int64,
        )
        for distance in range(1, min(_NEIGHBOURS, max(0, len(order) - 1)) + 1):
            left, right = order[:-distance], order[distance:]
            same = code_of[left] == code_of[right]
            if not same.any():
                break
            candidates = np.stack([left[same], right[same]], axis=1)
            pairs.append(candidates[cosines(weights, weights, candidates) >= LIKE_WORDED])
    groups = pl.Series("_joined", connected_groups(rows.height, np.concatenate(pairs)))
    return rows.with_columns(groups).with_columns(pl.col("group").min().over("_joined")).drop("_joined")


def reworded(training: pl.DataFrame, held_out: pl.DataFrame, check: Callable[[], None] = lambda: None) -> Reworded:
    """Which training rows reword a held-out row, from the columns ``id``, ``given`` and ``wanted``. The order of rows does not matter.

    ``check`` is called now and then and may raise, to end the search.
    """
    given = training["given"].to_list(), held_out["given"].to_list()
    answers = [[answer_of(text) for text in side["wanted"].to_list()] for side in (training, held_out)]
    spoken = [[spoken_numbers(text) for text in side] for side in given]
    written = [[digits(text) for text in side] for side in given]
    pairs = pairs_with_like_numbers((spoken[0], spoken[1]), (written[0], written[1]), (answers[0], answers[1]))
    order = _first_by_id(training["id"].to_list(), _VOCABULARY_ROWS)
    wording = Wording.of([given[0][at] for at in order]) if len(pairs) else None
    if wording is None:
        return NOTHING
    sample = order[:_SAMPLE_ROWS]
    rows, columns = np.unique(pairs[:, 0]), np.unique(pairs[:, 1])
    weights = wording.weights([given[1][at] for at in columns])
    places = np.stack([np.searchsorted(rows, pairs[:, 0]), np.searchsorted(columns, pairs[:, 1])], axis=1)
    likeness = cosines(wording.weights([given[0][at] for at in rows]), weights, places)
    enough = likeness >= LOOSELY_WORDED
    pairs, places, likeness = pairs[enough], places[enough], likeness[enough]
    sampled = wording.weights([given[0][at] for at in sample])
    level = np.minimum(likeness, LIKE_WORDED)
    common = _as_alike(weights, sampled, np.array(sample, dtype=np.int64), pairs, places[:, 1], level, check)
    scale = training.height / max(1, len(sample))
    chance = _chances(pairs, spoken[0], spoken[1], check)
    close = likeness >= LIKE_WORDED
    expected = chance * scale * np.where(close, common, common + 1)
    evidence = expected < np.where(close, CHANCE_MATCHES, CHANCE_MATCHES_LOOSE)
    strength = np.lexsort((pairs[evidence, 0], expected[evidence]))[::-1]
    matches = list(zip(pairs[evidence][strength].tolist(), expected[evidence][strength].tolist(), strict=True))
    sure = frozenset(row for (_, row), _ in matches)
    return Reworded(
        training=frozenset(first for (first, _), _ in matches),
        held_out=sure,
        by_chance=frozenset(pairs[close, 1].tolist()) - sure,
        # The strongest match of a row comes last and so stays.
        expected={row: number for (_, row), number in matches},
        best={row: first for (first, row), _ in matches},
    )


def answer_of(completion: str) -> str:
    """The answer in a form in which equal answers are equal texts: its number without unit, else its words."""
    stated = final_answer(completion) or flexible_answer(completion) or ""
    number = flexible_answer(stated) if parse_number(stated) is None else stated
    value = parse_number(number.replace("%", "")) if number else None
    return normal_text(stated) if value is None else str(value)


def _first_by_id(ids: list[str], count: int) -> list[int]:
    """The rows with the lowest ids, which are hashes: a sample that does not depend on the order of rows."""
    return sorted(range(len(ids)), key=ids.__getitem__)[:count]


def _as_alike(
    held_out: Any,
    sampled: Any,
    sample: npt.NDArray[np.int64],
    pairs: Pairs,
    places: npt.NDArray[np.int64],
    level: npt.NDArray[np.float64],
    check: Callable[[], None],
) -> npt.NDArray[np.float64]:
    """For each pair how many sampled training rows are at least as alike in wording as ``level``.

    The held-out row's own matches are left out: else many rewordings of one row would make each other look like chance.
    """
    counts = np.zeros(len(pairs))
    order = np.argsort(places, kind="stable")
    starts = np.searchsorted(places[order], np.arange(held_out.shape[0] + 1))
    for start in range(0, held_out.shape[0], _ROWS_AT_ONCE):
        check()
        block = np.asarray((held_out[start : start + _ROWS_AT_ONCE] @ sampled.T).todense())
        for row, alike in enumerate(block, start):
            own = order[starts[row] : starts[row + 1]]
            if len(own):
                others = np.sort(alike[~np.isin(sample, pairs[own, 0])])
                counts[own] = len(others) - np.searchsorted(others, level[own])
    return counts


def _chances(
    pairs: Pairs, training: Sequence[Numbers], held_out: Sequence[Numbers], check: Callable[[], None]
) -> npt.NDArray[np.float64]:
    """For each pair how likely a problem with numbers drawn like those in training shares as many of the held-out one's, at most 1.

    Any choice of so many of the held-out row's numbers would have done, so each counts, taken to be as rare as the one that was met.
    """
    counts = Counter(number for row in training for number in row)
    total = max(1, counts.total())
    chances = []
    for at, (first, second) in enumerate(pairs.tolist()):
        if at % _PAIRS_AT_ONCE == 0:
            check()
        shared = list((Counter(training[first]) & Counter(held_out[second])).elements())
        drawn = prod(counts[number] / total for number in shared)
        ways = perm(len(training[first]), len(shared)) * comb(len(held_out[second]), len(shared))
        chances.append(min(1.0, ways * drawn))
    return np.array(chances)
