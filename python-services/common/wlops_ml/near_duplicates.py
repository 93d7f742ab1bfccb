"""Near-duplicate texts: MinHash with banding finds candidates, the exact Jaccard similarity of character 5-grams decides.

Texts come as a list or as a polars column; columns are never turned into lists, so that ten million short texts fit into little memory.
Not covered: paraphrases (see the optimizer's guard) and texts longer than memory.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from wlops_ml.bands import Crowd
from wlops_ml.connected import Groups, Pairs, Rows
from wlops_ml.kept_texts import KeptTexts
from wlops_ml.minhash import BANDS, shingle_set, signatures
from wlops_ml.minhash import jaccard as jaccard  # noqa: PLC0414 - offered on to those who compare two texts
from wlops_ml.minhash import similarity as _jaccard
from wlops_ml.runs import Runs
from wlops_ml.text import match_key
from wlops_ml.text_columns import SLICE_ROWS, key_hashes, match_keys, mixed

Texts: TypeAlias = Sequence[str] | pl.Series
#: What must be equal beside the text: any hashable per text, or a column of 64-bit hashes.
Keys: TypeAlias = Sequence[Hashable] | pl.Series

_PAIRS_AT_ONCE = 50_000
#: Texts whose 5-grams are held at a time; those of all would take more memory than the texts.
_SHINGLED_TEXTS = 4_096
#: In a bucket of very many texts each is compared with this many that follow it, which bounds the work by the number of texts.
_NEIGHBOURS_IN_BUCKET = 32
#: Pairs found unlike are remembered, since most share several bands; this many at a time.
_REMEMBERED_PAIRS = 1_000_000
_VERIFIED_PER_TEXT = 32
#: Signatures estimate the similarity with a standard error of at most 0.05; candidates this far below are not worth a closer look.
_ESTIMATE_SLACK = 0.15


def near_duplicate_groups(
    texts: Texts, threshold: float, keys: Keys | None = None, scratch: Path | None = None
) -> Rows:
    """For each text the lowest row number it is joined with, directly or over others; shape ``(texts,)``.

    Two texts are joined when their character 5-grams have a Jaccard similarity of at least ``threshold``. They are compared by
    ``match_key``; with ``keys``, only texts with equal keys are. Each joining pair is verified exactly, those within a group are not.
    ``scratch`` is the folder for temporary files.
    """
    with closing(_Texts(texts, keys, threshold, scratch)) as known:
        return known.groups()


def near_repeats(texts: Texts, threshold: float, keys: Keys | None = None, *, copies: bool = True) -> set[int]:
    """The texts that are nearly an earlier one which is not itself such a repeat; without ``copies``, not those that equal it.

    Compared as in ``near_duplicate_groups``, each repeat verified exactly; a text that resembles only a repeat stays. A repeat is
    overlooked where no band finds it: at a similarity of 0.9 one in 2,600, at 0.95 one in four million. Among more than 128 texts
    that stay and share a band it is compared with the last of them, and verified with the 32 whose signatures agree most; so the
    work grows with the number of texts, also where they are all of one template.
    """
    with closing(_Texts(texts, keys, threshold)) as known:
        repeats = known.repeats()
        return repeats.union(known.copies().tolist()) if copies else repeats


def nearly_among(texts: Texts, others: Texts, threshold: float, keys: Keys, other_keys: Keys) -> list[bool]:
    """For each text whether it is one of the others or nearly one: itself, not over further texts. Shape ``(texts,)``.

    Compared as in ``near_repeats``, with the same small part that is overlooked.
    """
    with closing(_Texts([*others, *texts], [*other_keys, *keys], threshold)) as known:
        return known.nearly_among_first(len(others))[len(others) :]


class _Texts:
    """Texts to be compared: the first of each ``(match key, key)`` is, its copies share its fate.

    Three kinds of numbers: rows of all texts; first texts among ``_first``; places among the texts that share a band (``_crowd``).
    """

    def __init__(self, texts: Texts, keys: Keys | None, threshold: float, scratch: Path | None = None) -> None:
        self._texts = texts if isinstance(texts, pl.Series) else pl.Series(list(texts), dtype=pl.String)
        self._threshold = threshold
        self._shingled: dict[int, frozenset[str]] = {}
        codes = _codes(keys, len(self._texts))
        runs = Runs.of(mixed(key_hashes(self._texts).to_numpy(), codes))
        self._runs = runs
        self._first = np.sort(runs.first)
        self._codes = codes[self._first]
        self._crowd = Crowd(self._signed(), len(self._first), scratch)
        #: Row numbers of the crowded texts, shape ``(places,)``.
        self._rows = self._first[self._crowd.rows]
        self._codes = self._codes[self._crowd.rows]

    def close(self) -> None:
        """Let go of the temporary files."""
        self._crowd.close()

    def copies(self) -> Rows:
        """The rows that equal an earlier one and its key."""
        return np.flatnonzero(self._runs.places() > 0)

    def groups(self) -> Rows:
        """See ``near_duplicate_groups``."""
        groups = Groups(len(self._rows))
        unlike: set[tuple[int, int]] = set()
        for pairs in self._candidates():
            labels = groups.labels()
            for i, j in self._likely(pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]).tolist():
                if (i, j) in unlike or groups.root(i) == groups.root(j):
                    continue
                if self._similar(i, j):
                    groups.join(i, j)
                else:
                    if len(unlike) >= _REMEMBERED_PAIRS:
                        unlike.clear()
                    unlike.add((i, j))
        named = np.arange(len(self._texts), dtype=np.int32)
        named[self._rows] = self._rows[groups.labels()]
        # A run's first row is its lowest, so copies take over the name of the text they equal.
        return self._runs.spread(named[self._runs.first])

    def repeats(self) -> set[int]:
        """See ``near_repeats``; without copies."""
        kept = KeptTexts(self._bands())
        found: set[int] = set()
        for place, row in enumerate(self._rows.tolist()):
            if any(self._similar(other, place) for other in self._most_alike(place, kept.beside(place))):
                found.add(row)
            else:
                kept.add(place)
        return found

    def nearly_among_first(self, count: int) -> list[bool]:
        """For each row whether it is one of the first ``count`` or nearly one of them."""
        kept = KeptTexts(self._bands())
        near = np.arange(len(self._texts)) < count
        for place, row in enumerate(self._rows.tolist()):
            if row < count:
                kept.add(place)
            else:
                near[row] = any(self._similar(other, place) for other in self._most_alike(place, kept.beside(place)))
        found: list[bool] = self._runs.spread(near[self._runs.first]).tolist()
        return found

    def _signed(self) -> Iterator[tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint64]]]:
        for start in range(0, len(self._first), SLICE_ROWS):
            rows = self._first[start : start + SLICE_ROWS]
            keys = match_keys(self._texts.gather(rows)).to_list()
            yield signatures(keys, normalise=False), self._codes[start : start + SLICE_ROWS]

    def _most_alike(self, place: int, others: Rows) -> list[int]:
        """Those ``others`` that may be similar to the text at ``place``, likeliest first."""
        others = others[self._codes[others] == self._codes[place]]
        agreement = (self._crowd.signatures[others] == self._crowd.signatures[place]).mean(axis=1)
        best = np.argsort(-agreement, kind="stable")[:_VERIFIED_PER_TEXT]
        alike: list[int] = others[best[agreement[best] >= self._threshold - _ESTIMATE_SLACK]].tolist()
        return alike

    def _bands(self) -> npt.NDArray[np.int32]:
        """The bucket of each crowded text in each band, shape ``(places, 14)``; one of its own where it shares that band with no other."""
        result = np.repeat(-1 - np.arange(len(self._rows), dtype=np.int32)[:, None], BANDS, axis=1)
        for band in range(BANDS):
            bucket = self._crowd.bucket(band)
            result[bucket.members, band] = bucket.numbers
        return result

    def _candidates(self) -> Iterator[Pairs]:
        """Pairs of places that share a band and the key, nearest neighbours in a bucket first; some come more than once."""
        for distance in range(1, _NEIGHBOURS_IN_BUCKET + 1):
            found = False
            for band in range(BANDS):
                bucket = self._crowd.bucket(band)
                same = np.flatnonzero(bucket.numbers[:-distance] == bucket.numbers[distance:])
                found = found or len(same) > 0
                left, right = bucket.members[same], bucket.members[same + distance]
                yield np.stack([left, right], axis=1)[self._codes[left] == self._codes[right]].astype(np.int64)
            if not found:
                return

    def _likely(self, pairs: Pairs) -> Pairs:
        """Those of the pairs whose signatures do not rule the similarity out."""
        agreement = [
            self._crowd.agreement(block[:, 0], block[:, 1])
            for block in np.array_split(pairs, len(pairs) // _PAIRS_AT_ONCE + 1)
        ]
        return pairs[np.concatenate(agreement) >= self._threshold - _ESTIMATE_SLACK]

    def _similar(self, i: int, j: int) -> bool:
        """Whether the exact similarity of the texts at two places reaches the threshold."""
        return _jaccard(self._shingles(i), self._shingles(j)) >= self._threshold

    def _shingles(self, place: int) -> frozenset[str]:
        if len(self._shingled) >= _SHINGLED_TEXTS:
            self._shingled.clear()
        if place not in self._shingled:
            self._shingled[place] = shingle_set(match_key(self._texts[int(self._rows[place])]))
        return self._shingled[place]


def _codes(keys: Keys | None, count: int) -> npt.NDArray[np.uint64]:
    """A number per row, equal for equal keys."""
    if keys is None:
        return np.zeros(count, dtype=np.uint64)
    if isinstance(keys, pl.Series):
        return keys.to_numpy().astype(np.uint64)
    code_of: dict[Hashable, int] = {}
    return np.array([code_of.setdefault(key, len(code_of)) for key in keys], dtype=np.uint64)
