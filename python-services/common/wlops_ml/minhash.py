"""MinHash signatures of texts by their character 5-grams, and the exact Jaccard similarity that they estimate.

Signatures have 14 bands of 8 values (Broder 1997; banding as in Leskovec, Rajaraman, Ullman, *Mining of Massive Datasets*,
chapter 3), which finds a pair of similarity 0.9 with probability above 0.999. Vectorised over texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from wlops_ml.text import match_key

SHINGLE_CHARACTERS = 5
BANDS = 14
VALUES_PER_BAND = 8
SIGNATURE_VALUES = BANDS * VALUES_PER_BAND

Signatures: TypeAlias = npt.NDArray[np.uint32]

_SEED = 20_240_501
_SHINGLES_AT_ONCE = 65_536
_MIX_1 = np.uint32(0x85EBCA6B)
_MIX_2 = np.uint32(0xC2B2AE35)


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
    return similarity(shingle_set(match_key(first)), shingle_set(match_key(second)))


def shingle_set(key: str) -> frozenset[str]:
    """The character 5-grams of a match key; a shorter one is filled up."""
    padded = key.ljust(SHINGLE_CHARACTERS, "\0")
    return frozenset(padded[i : i + SHINGLE_CHARACTERS] for i in range(len(padded) - SHINGLE_CHARACTERS + 1))


def similarity(a: frozenset[str], b: frozenset[str]) -> float:
    """The Jaccard similarity of two sets that are not empty."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


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
    signed = np.empty((SIGNATURE_VALUES, len(padded)), dtype=np.uint32)
    scratch = np.empty_like(hashed)
    for value in range(SIGNATURE_VALUES):
        np.multiply(hashed, factors[value], out=scratch)
        np.add(scratch, shifts[value], out=scratch)
        np.minimum.reduceat(scratch, starts, out=signed[value])
    return signed.T


def _permutations() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    rng = np.random.Generator(np.random.PCG64(_SEED))
    drawn: npt.NDArray[Any] = rng.integers(0, 2**32, size=(2, SIGNATURE_VALUES), dtype=np.uint32)
    return drawn[0] | np.uint32(1), drawn[1]
