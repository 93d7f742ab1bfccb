"""The same maths problem in other words: alike in wording, in numbers and in the answer.

Two uses. Within one of the user's files such rows join one group and so get one role (``joined``): no row is lost. Between roles a training
row that rewords a held-out one is contamination (``reworded``), unless chance explains it: where many rows share a template and numbers
are small, two people who write problems on their own write the same one again and again, and taking those out would take out most rows.

Measured on paraphrased GSM8K without looking at answers: 83 % found, 0.05 % false alarms. Not covered: rewordings that share few words
or numbers written out in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import perm, prod
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from wlops_ml.answers import final_answer, flexible_answer, normal_text, parse_number
from wlops_ml.near_duplicates import connected_groups

MIN_COSINE = 0.25
MIN_NUMBER_OVERLAP = 0.6
MIN_NUMBERS = 2
#: A match is no evidence where this many training rows are expected to match a held-out one by chance.
CHANCE_MATCHES = 0.1
_WORD = r"(?u)\b[^\W\d]\w*\b"
_ROWS_AT_ONCE, _PAIRS_AT_ONCE = 2_000, 50_000
#: Of very many rows with equal numbers and answer each is compared with this many that follow it in the order of their texts.
_NEIGHBOURS = 32
#: Training rows from which it is estimated how common a wording is.
_SAMPLE_ROWS = 1_000

Numbers = tuple[str, ...]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reworded:
    """Row numbers of training rows that reword a held-out row, of those held-out rows, and of held-out rows met by chance only."""

    training: frozenset[int]
    held_out: frozenset[int]
    by_chance: frozenset[int]


def joined(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the groups of one file joined where they hold one problem: all its numbers, its answer, its wording."""
    problems = [
        (file, numbers, answer_of(wanted))
        for file, numbers, wanted in rows.select("file", "numbers", "wanted").iter_rows()
    ]
    codes = {problem: code for code, problem in enumerate(dict.fromkeys(problems))}
    code_of = np.array([codes[problem] for problem in problems], dtype=np.int64)
    several = np.array([len(problem[1].split()) >= MIN_NUMBERS for problem in problems], dtype=bool)
    given, ids = rows["given"].to_list(), rows["id"].to_list()
    order = np.array(
        sorted(np.flatnonzero(several).tolist(), key=lambda at: (code_of[at], given[at], ids[at])), dtype=np.int64
    )
    wording = _wording(given)
    if wording is None:
        return rows
    first_of: dict[str, int] = {}
    own = [(first_of.setdefault(group, at), at) for at, group in enumerate(rows["group"].to_list())]
    pairs = [np.array(own, dtype=np.int64).reshape(-1, 2)]
    for distance in range(1, min(_NEIGHBOURS, max(0, len(order) - 1)) + 1):
        left, right = order[:-distance], order[distance:]
        same = code_of[left] == code_of[right]
        if not same.any():
            break
        candidates = np.stack([left[same], right[same]], axis=1)
        pairs.append(candidates[_cosines(wording, wording, candidates) >= MIN_COSINE])
    groups = pl.Series("_joined", connected_groups(rows.height, np.concatenate(pairs)))
    return rows.with_columns(groups).with_columns(pl.col("group").min().over("_joined")).drop("_joined")


def reworded(training: pl.DataFrame, held_out: pl.DataFrame) -> Reworded:
    """Which training rows reword a held-out row. The order of rows does not matter."""
    wording = _wording(training["given"].to_list())
    if wording is None or held_out.height == 0:
        return Reworded(frozenset(), frozenset(), frozenset())
    features, vectorizer = wording.matrix, wording.vectorizer
    other = _Wording(vectorizer.transform(held_out["given"].to_list()), vectorizer)
    numbers = [[tuple(text.split()) for text in side["numbers"].to_list()] for side in (training, held_out)]
    answers = [[answer_of(text) for text in side["wanted"].to_list()] for side in (training, held_out)]
    blocks = _pairs_with_like_numbers((numbers[0], numbers[1]), (answers[0], answers[1]))
    alike = [block[_cosines(wording, other, block) >= MIN_COSINE] for block in blocks]
    pairs = np.concatenate([np.empty((0, 2), dtype=np.int64), *alike])
    sample = np.array(training["id"].arg_sort()[:_SAMPLE_ROWS], dtype=np.int64)
    common = _like_worded(other.matrix, features[sample], sample, pairs) * training.height / len(sample)
    evidence = _chances(pairs, numbers[0], numbers[1]) * common[pairs[:, 1]] < CHANCE_MATCHES
    sure = frozenset(pairs[evidence, 1].tolist())
    return Reworded(frozenset(pairs[evidence, 0].tolist()), sure, frozenset(pairs[:, 1].tolist()) - sure)


def answer_of(completion: str) -> str:
    """The answer in a form in which equal answers are equal texts: its number without unit, else its words."""
    stated = final_answer(completion) or flexible_answer(completion) or ""
    number = flexible_answer(stated) if parse_number(stated) is None else stated
    value = parse_number(number.replace("%", "")) if number else None
    return normal_text(stated) if value is None else str(value)


@dataclass(frozen=True)
class _Wording:
    """TF-IDF of words and word pairs, rows of length one, and what made them."""

    matrix: Any
    vectorizer: Any


def _wording(texts: list[str]) -> _Wording | None:
    """None where there is not a single word."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=_WORD)
    try:
        return _Wording(vectorizer.fit_transform(texts), vectorizer)
    except ValueError:
        return None


def _cosines(left: _Wording, right: _Wording, pairs: Integers) -> npt.NDArray[np.float64]:
    """The cosine of each pair, shape ``(pairs,)``."""
    parts = [np.empty(0)]
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        block = pairs[start : start + _PAIRS_AT_ONCE]
        products = left.matrix[block[:, 0]].multiply(right.matrix[block[:, 1]])
        parts.append(np.asarray(products.sum(axis=1)).ravel())
    return np.concatenate(parts)


def _pairs_with_like_numbers(
    numbers: tuple[list[Numbers], list[Numbers]], answers: tuple[list[str], list[str]]
) -> Iterator[Integers]:
    """Pairs with one answer whose number multisets have ``MIN_NUMBER_OVERLAP`` of the larger one in common, in blocks.

    The n-th occurrence of a number is a member of its own, which turns multisets into sets and their overlap into a product.
    """
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
            alike = (shared.data >= MIN_NUMBER_OVERLAP * larger) & (larger >= MIN_NUMBERS)
            yield np.stack([rows[alike], columns[alike]], axis=1)


def _rows_of(answers: list[str]) -> dict[str, Integers]:
    rows: dict[str, list[int]] = {}
    for row, answer in enumerate(answers):
        rows.setdefault(answer, []).append(row)
    return {answer: np.array(found, dtype=np.int64) for answer, found in rows.items()}


def _occurrences(row: Numbers) -> list[str]:
    """Each number with how often it stood before: ``3 3 5`` is ``3#0 3#1 5#0``."""
    return [f"{number}#{row[:place].count(number)}" for place, number in enumerate(row)]


def _like_worded(held_out: Any, sampled: Any, sample: Integers, pairs: Integers) -> npt.NDArray[np.float64]:
    """For each held-out row of ``pairs`` how many sampled training rows share its wording, its own matches left out."""
    counts = np.zeros(held_out.shape[0])
    matches: dict[int, set[int]] = {}
    for first, second in pairs.tolist():
        matches.setdefault(second, set()).add(first)
    asked = sorted(matches)
    for start in range(0, len(asked), _ROWS_AT_ONCE):
        block = asked[start : start + _ROWS_AT_ONCE]
        alike = (held_out[block] @ sampled.T >= MIN_COSINE).tocoo()
        for row, column in zip(alike.row.tolist(), alike.col.tolist(), strict=True):
            counts[block[row]] += int(sample[column]) not in matches[block[row]]
    return counts


def _chances(pairs: Integers, training: list[Numbers], held_out: list[Numbers]) -> npt.NDArray[np.float64]:
    """For each pair how likely a problem with numbers drawn like those in training has the numbers the two share."""
    counts = Counter(number for row in training for number in row)
    total = max(1, counts.total())
    chances = []
    for first, second in pairs.tolist():
        shared = list((Counter(training[first]) & Counter(held_out[second])).elements())
        drawn = prod(counts[number] / total for number in shared)
        chances.append(min(1.0, perm(len(training[first]), len(shared)) * drawn))
    return np.array(chances)
