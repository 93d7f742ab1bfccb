"""Near-duplicate texts: MinHash with banding finds candidates, the exact Jaccard similarity of character 5-grams decides.

Signatures have 14 bands of 8 values (Broder 1997; banding as in Leskovec, Rajaraman, Ullman, *Mining of Massive Datasets*,
chapter 3), which finds a pair of similarity 0.9 with probability above 0.999. Vectorised over all texts.
Not covered: paraphrases (see the optimizer's guard) and texts longer than memory.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from wlops_ml.text import match_key

SHINGLE_CHARACTERS = 5
BANDS = 14
VALUES_PER_BAND = 8
SIGNATURE_VALUES = BANDS * VALUES_PER_BAND

Signatures: TypeAlias = npt.NDArray[np.uint32]
#: Pairs of row numbers ``(i, j)`` with ``i < j``, shape ``(pairs, 2)``.
Pairs: TypeAlias = npt.NDArray[np.int64]
Rows: TypeAlias = npt.NDArray[np.int64]

_SEED = 20_240_501
_SHINGLES_AT_ONCE = 131_072
_PAIRS_AT_ONCE = 50_000
#: Texts whose 5-grams are held at a time; those of all would take more memory than the texts.
_SHINGLED_TEXTS = 4_096
#: In a bucket of very many texts each is compared with this many that follow it, which bounds the work by the number of texts.
_NEIGHBOURS_IN_BUCKET = 32
#: The same for the search of repeats, which looks back at texts that stay.
_KEPT_IN_BUCKET = 128
_VERIFIED_PER_TEXT = 32
#: Signatures estimate the similarity with a standard error of at most 0.05; candidates this far below are not worth a closer look.
_ESTIMATE_SLACK = 0.15
_MIX_1 = np.uint32(0x85EBCA6B)
_MIX_2 = np.uint32(0xC2B2AE35)


def near_duplicate_groups(texts: Sequence[str], threshold: float, keys: Sequence[Hashable] | None = None) -> Rows:
    """For each text the lowest row number it is joined with, directly or over others; shape ``(texts,)``.

    Two texts are joined when their character 5-grams have a Jaccard similarity of at least ``threshold``. They are compared by
    ``match_key``; with ``keys``, only texts with equal keys are. Each joining pair is verified exactly, those within a group are not.
    """
    return _Texts(texts, keys, threshold).groups()


def near_repeats(
    texts: Sequence[str], threshold: float, keys: Sequence[Hashable] | None = None, *, copies: bool = True
) -> set[int]:
    """The texts that are nearly an earlier one which is not itself such a repeat; without ``copies``, not those that equal it.

    Compared as in ``near_duplicate_groups``, each repeat verified exactly; a text that resembles only a repeat stays. A repeat is
    overlooked where no band finds it: at a similarity of 0.9 one in 2,600, at 0.95 one in four million. Among more than 128 texts
    that stay and share a band it is compared with the last of them, and verified with the 32 whose signatures agree most; so the
    work grows with the number of texts, also where they are all of one template.
    """
    known = _Texts(texts, keys, threshold)
    repeats = known.repeats()
    return repeats.union(copy for _, copy in known.copies) if copies else repeats


def nearly_among(
    texts: Sequence[str],
    others: Sequence[str],
    threshold: float,
    keys: Sequence[Hashable],
    other_keys: Sequence[Hashable],
) -> list[bool]:
    """For each text whether it is one of the others or nearly one: itself, not over further texts. Shape ``(texts,)``.

    Compared as in ``near_repeats``, with the same small part that is overlooked.
    """
    known = _Texts([*others, *texts], [*other_keys, *keys], threshold)
    return known.nearly_among_first(len(others))[len(others) :]


def connected_groups(count: int, pairs: Pairs) -> Rows:
    """For each of ``count`` rows the lowest row number it is joined with by pairs, directly or over others."""
    groups = _Groups(count)
    for i, j in pairs.tolist():
        groups.join(i, j)
    return groups.labels()


class _Groups:
    """Disjoint sets of row numbers, each named by its lowest."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, row: int) -> int:
        parent = self._parent
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    def join(self, first: int, second: int) -> None:
        low, high = sorted((self.root(first), self.root(second)))
        self._parent[high] = low

    def labels(self) -> Rows:
        labels = np.array(self._parent, dtype=np.int64)
        while (labels[labels] != labels).any():
            labels = labels[labels]
        return labels


class _Texts:
    """Texts to be compared: the first of each ``(match key, key)`` is, and its copies are paired with it."""

    def __init__(self, texts: Sequence[str], keys: Sequence[Hashable] | None, threshold: float) -> None:
        self._normalised = [match_key(text) for text in texts]
        self._threshold = threshold
        self._shingled: dict[int, frozenset[str]] = {}
        code_of: dict[Hashable, int] = {}
        codes = [0] * len(texts) if keys is None else [code_of.setdefault(key, len(code_of)) for key in keys]
        first_of: dict[tuple[str, int], int] = {}
        self.copies: list[tuple[int, int]] = []
        for index, identity in enumerate(zip(self._normalised, codes, strict=True)):
            first = first_of.setdefault(identity, index)
            if first != index:
                self.copies.append((first, index))
        self._first = np.array(list(first_of.values()), dtype=np.int64)
        self._codes = np.array(codes, dtype=np.uint64)[self._first]
        self._signed = signatures([self._normalised[index] for index in self._first], normalise=False)
        self._position = np.zeros(len(texts), dtype=np.int64)
        self._position[self._first] = np.arange(len(self._first))

    def groups(self) -> Rows:
        """See ``near_duplicate_groups``."""
        groups = _Groups(len(self._normalised))
        for first, copy in self.copies:
            groups.join(first, copy)
        for pairs in self._candidates():
            labels = groups.labels()
            for i, j in self._likely(pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]).tolist():
                if groups.root(i) != groups.root(j) and self.similar(i, j):
                    groups.join(i, j)
        return groups.labels()

    def repeats(self) -> set[int]:
        """See ``near_repeats``; without copies."""
        kept = _Kept(self._keyed_bands())
        found: set[int] = set()
        for place, row in enumerate(self._first.tolist()):
            if any(self.similar(other, row) for other in self._most_alike(place, kept.beside(place))):
                found.add(row)
            else:
                kept.add(place)
        return found

    def nearly_among_first(self, count: int) -> list[bool]:
        """For each row whether it is one of the first ``count`` or nearly one of them."""
        kept = _Kept(self._keyed_bands())
        found = [row < count for row in range(len(self._normalised))]
        for place, row in enumerate(self._first.tolist()):
            if row < count:
                kept.add(place)
            else:
                found[row] = any(self.similar(other, row) for other in self._most_alike(place, kept.beside(place)))
        for first, copy in self.copies:
            found[copy] = found[first]
        return found

    def _most_alike(self, place: int, others: Rows) -> list[int]:
        """Row numbers of those ``others`` that may be similar to the text at ``place``, likeliest first; both are places in ``_first``."""
        others = others[self._codes[others] == self._codes[place]]
        agreement = (self._signed[others] == self._signed[place]).mean(axis=1)
        best = np.argsort(-agreement, kind="stable")[:_VERIFIED_PER_TEXT]
        rows: list[int] = self._first[others[best[agreement[best] >= self._threshold - _ESTIMATE_SLACK]]].tolist()
        return rows

    def _keyed_bands(self) -> npt.NDArray[np.uint64]:
        """As ``band_hashes``, but texts of different keys share none, save by a collision."""
        return band_hashes(self._signed) ^ (self._codes[:, None] * np.uint64(0xD6E8FEB86659FD93))

    def _candidates(self) -> Iterator[Pairs]:
        """Pairs of row numbers that share a band and the key, nearest neighbours in a bucket first; some come more than once."""
        count = len(self._first)
        hashed = self._keyed_bands()
        orders = np.argsort(hashed, axis=0, kind="stable")
        ordered = np.take_along_axis(hashed, orders, axis=0)
        for distance in range(1, min(_NEIGHBOURS_IN_BUCKET, count - 1) + 1):
            same = ordered[:-distance] == ordered[distance:]
            if not same.any():
                return
            left, right = orders[:-distance][same], orders[distance:][same]
            encoded = np.unique(np.minimum(left, right) * count + np.maximum(left, right))
            pairs = np.stack([encoded // count, encoded % count], axis=1)
            yield self._first[pairs[self._codes[pairs[:, 0]] == self._codes[pairs[:, 1]]]]

    def _likely(self, pairs: Pairs) -> Pairs:
        """Those of the pairs whose signatures do not rule the similarity out."""
        places = self._position[pairs]
        agreement = [
            (self._signed[block[:, 0]] == self._signed[block[:, 1]]).mean(axis=1)
            for block in np.array_split(places, len(places) // _PAIRS_AT_ONCE + 1)
        ]
        return pairs[np.concatenate(agreement) >= self._threshold - _ESTIMATE_SLACK]

    def similar(self, i: int, j: int) -> bool:
        """Whether the exact similarity reaches the threshold."""
        return _jaccard(self._shingles(i), self._shingles(j)) >= self._threshold

    def _shingles(self, index: int) -> frozenset[str]:
        if len(self._shingled) >= _SHINGLED_TEXTS:
            self._shingled.clear()
        if index not in self._shingled:
            self._shingled[index] = _shingle_set(self._normalised[index])
        return self._shingled[index]


class _Kept:
    """Texts by bucket, so that those which share a band with another are found; filled as texts are kept.

    All buckets are parts of one array, each as long as the texts that could come into it: lists would take kilobytes per text.
    """

    def __init__(self, bands: npt.NDArray[np.uint64]) -> None:
        number_of_band = np.arange(bands.shape[1], dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        _, buckets, sizes = np.unique(bands ^ number_of_band, return_inverse=True, return_counts=True)
        self._buckets = buckets.reshape(bands.shape)
        self._starts = np.cumsum(sizes) - sizes
        self._held = np.zeros_like(sizes)
        self._texts = np.empty(bands.size, dtype=np.int64)

    def add(self, text: int) -> None:
        """Keep the text with this number."""
        own = self._buckets[text]
        self._texts[self._starts[own] + self._held[own]] = text
        self._held[own] += 1

    def beside(self, text: int) -> Rows:
        """The kept texts that share a band with this one, ascending; of a bucket the last ``_KEPT_IN_BUCKET``."""
        own = self._buckets[text]
        held = self._held[own]
        if not held.any():
            return np.empty(0, dtype=np.int64)
        ends = self._starts[own] + held
        first = ends - np.minimum(held, _KEPT_IN_BUCKET)
        return np.unique(np.concatenate([self._texts[i:j] for i, j in zip(first.tolist(), ends.tolist(), strict=True)]))


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


def _shingle_set(text: str) -> frozenset[str]:
    padded = text.ljust(SHINGLE_CHARACTERS, "\0")
    return frozenset(padded[i : i + SHINGLE_CHARACTERS] for i in range(len(padded) - SHINGLE_CHARACTERS + 1))


def _jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)
