"""Near-duplicate texts: MinHash with banding finds candidates, the exact Jaccard similarity of character 5-grams decides.

Signatures have 14 bands of 8 values (Broder 1997; banding as in Leskovec, Rajaraman, Ullman, *Mining of Massive Datasets*,
chapter 3), which finds a pair of similarity 0.9 with probability above 0.999. Vectorised over all texts.
Not covered: paraphrases (see the optimizer's guard) and texts longer than memory.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from wlops_ml.text import match_key

SHINGLE_CHARACTERS = 5
BANDS = 14
VALUES_PER_BAND = 8
SIGNATURE_VALUES = BANDS * VALUES_PER_BAND

Signatures: TypeAlias = npt.NDArray[np.uint32]
#: Pairs of row numbers ``(i, j)`` with ``i < j``, shape ``(pairs, 2)``, sorted.
Pairs: TypeAlias = npt.NDArray[np.int64]

_SEED = 20_240_501
_SHINGLES_AT_ONCE = 131_072
#: In a bucket of very many texts each is compared with this many that follow it, which bounds the work by the number of texts.
_NEIGHBOURS_IN_BUCKET = 32
#: Signatures estimate the similarity with a standard error of at most 0.05; candidates this far below are not worth a closer look.
_ESTIMATE_SLACK = 0.15
_MIX_1 = np.uint32(0x85EBCA6B)
_MIX_2 = np.uint32(0xC2B2AE35)


def near_duplicate_pairs(texts: Sequence[str], threshold: float, keys: Sequence[Hashable] | None = None) -> Pairs:
    """Pairs of texts whose character 5-grams have a Jaccard similarity of at least ``threshold``.

    Texts are compared by ``match_key``; with ``keys``, only texts with equal keys are compared. Each pair is verified exactly. Texts
    with one and the same match key are each paired with the first of them only, which joins them all the same.
    """
    first, copies, normalised, codes = _distinct(texts, keys)
    if len(first) < 2:
        return _sorted_pairs(copies)
    signed = signatures([normalised[index] for index in first], normalise=False)
    candidates = _candidates(signed, codes[first])
    agreement = np.concatenate(
        [
            (signed[block[:, 0]] == signed[block[:, 1]]).mean(axis=1)
            for block in np.array_split(candidates, len(candidates) // 50_000 + 1)
        ]
    )
    likely = first[candidates[agreement >= threshold - _ESTIMATE_SLACK]]
    shingled: dict[int, frozenset[str]] = {}
    verified = [
        (int(i), int(j))
        for i, j in likely
        if _jaccard(_shingles(normalised, i, shingled), _shingles(normalised, j, shingled)) >= threshold
    ]
    return _sorted_pairs(verified + copies)


def connected_groups(count: int, pairs: Pairs) -> npt.NDArray[np.int64]:
    """For each of ``count`` rows the lowest row number it is joined with by pairs, directly or over others."""
    parent = np.arange(count, dtype=np.int64)

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = int(parent[node])
        return node

    for i, j in pairs:
        low, high = sorted((root(int(i)), root(int(j))))
        parent[high] = low
    return np.array([root(node) for node in range(count)], dtype=np.int64)


def signatures(texts: Sequence[str], *, normalise: bool = True) -> Signatures:
    """MinHash signatures, shape ``(texts, 112)``. Equal texts have equal signatures, on every machine."""
    prepared = [match_key(text) for text in texts] if normalise else texts
    padded = [text.ljust(SHINGLE_CHARACTERS, "\0") for text in prepared]
    result = np.empty((len(padded), SIGNATURE_VALUES), dtype=np.uint32)
    start = 0
    while start < len(padded):
        stop, size = start, 0
        while stop < len(padded) and (stop == start or size + len(padded[stop]) <= _SHINGLES_AT_ONCE):
            size += len(padded[stop])
            stop += 1
        result[start:stop] = _sign(padded[start:stop])
        start = stop
    return result


def band_hashes(signed: Signatures) -> npt.NDArray[np.uint64]:
    """One number per band and text, shape ``(texts, 14)``: texts that share one in the same band are candidates."""
    bands = signed.reshape(len(signed), BANDS, VALUES_PER_BAND)
    hashed = np.zeros(bands.shape[:2], dtype=np.uint64)
    for value in range(VALUES_PER_BAND):
        hashed = (hashed ^ bands[:, :, value]) * np.uint64(0x9E3779B97F4A7C15)
        hashed ^= hashed >> np.uint64(29)
    return hashed


def jaccard(first: str, second: str) -> float:
    """The exact similarity of two texts, 0 to 1, by the character 5-grams of their match keys."""
    a, b = match_key(first), match_key(second)
    return _jaccard(_shingle_set(a), _shingle_set(b))


def _distinct(
    texts: Sequence[str], keys: Sequence[Hashable] | None
) -> tuple[npt.NDArray[np.int64], list[tuple[int, int]], list[str], npt.NDArray[np.uint64]]:
    """Row numbers of the first of each ``(match key, key)``, the copies as pairs with it, the match keys, and keys as numbers."""
    normalised = [match_key(text) for text in texts]
    code_of: dict[Hashable, int] = {}
    codes = [0] * len(texts) if keys is None else [code_of.setdefault(key, len(code_of)) for key in keys]
    first_of: dict[tuple[str, int], int] = {}
    copies = []
    for index, identity in enumerate(zip(normalised, codes, strict=True)):
        first = first_of.setdefault(identity, index)
        if first != index:
            copies.append((first, index))
    return np.array(list(first_of.values()), dtype=np.int64), copies, normalised, np.array(codes, dtype=np.uint64)


def _sign(padded: Sequence[str]) -> Signatures:
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.array([len(text) for text in padded])
    hashed = np.zeros(len(points) - SHINGLE_CHARACTERS + 1, dtype=np.uint32)
    for offset in range(SHINGLE_CHARACTERS):
        hashed = hashed * np.uint32(0x01000193) + points[offset : offset + len(hashed)]
    hashed = (hashed ^ (hashed >> np.uint32(16))) * _MIX_1
    hashed = (hashed ^ (hashed >> np.uint32(13))) * _MIX_2
    ends = np.cumsum(lengths)
    inside = np.ones(len(points), dtype=bool)
    for back in range(1, SHINGLE_CHARACTERS):
        inside[ends - back] = False
    hashed = hashed[inside[: len(hashed)]]
    starts = np.concatenate([[0], np.cumsum(lengths - SHINGLE_CHARACTERS + 1)[:-1]])
    factors, shifts = _permutations()
    signed = np.empty((len(padded), SIGNATURE_VALUES), dtype=np.uint32)
    scratch = np.empty_like(hashed)
    for value in range(SIGNATURE_VALUES):
        np.multiply(hashed, factors[value], out=scratch)
        np.add(scratch, shifts[value], out=scratch)
        signed[:, value] = np.minimum.reduceat(scratch, starts)
    return signed


def _permutations() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    rng = np.random.Generator(np.random.PCG64(_SEED))
    drawn: npt.NDArray[Any] = rng.integers(0, 2**32, size=(2, SIGNATURE_VALUES), dtype=np.uint32)
    return drawn[0] | np.uint32(1), drawn[1]


def _candidates(signed: Signatures, codes: npt.NDArray[np.uint64]) -> Pairs:
    """Pairs of positions that share a band and the code, each once."""
    count = len(signed)
    hashed = band_hashes(signed) ^ (codes[:, None] * np.uint64(0xD6E8FEB86659FD93))
    found = [np.empty(0, dtype=np.int64)]
    for band in range(BANDS):
        order = np.argsort(hashed[:, band], kind="stable")
        ordered = hashed[order, band]
        for distance in range(1, min(_NEIGHBOURS_IN_BUCKET, count - 1) + 1):
            same = np.flatnonzero(ordered[:-distance] == ordered[distance:])
            if len(same) == 0:
                break
            left, right = order[same], order[same + distance]
            found.append(np.minimum(left, right) * count + np.maximum(left, right))
    encoded = np.unique(np.concatenate(found))
    pairs = np.stack([encoded // count, encoded % count], axis=1)
    same_key: Pairs = pairs[codes[pairs[:, 0]] == codes[pairs[:, 1]]]
    return same_key


def _shingle_set(text: str) -> frozenset[str]:
    padded = text.ljust(SHINGLE_CHARACTERS, "\0")
    return frozenset(padded[i : i + SHINGLE_CHARACTERS] for i in range(len(padded) - SHINGLE_CHARACTERS + 1))


def _shingles(texts: Sequence[str], index: int, known: dict[int, frozenset[str]]) -> frozenset[str]:
    if index not in known:
        known[index] = _shingle_set(texts[index])
    return known[index]


def _jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


def _sorted_pairs(pairs: list[tuple[int, int]]) -> Pairs:
    return np.array(sorted({(min(pair), max(pair)) for pair in pairs}), dtype=np.int64).reshape(-1, 2)
