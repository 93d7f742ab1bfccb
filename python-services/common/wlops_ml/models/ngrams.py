"""Text to hashed n-grams: words, pairs of neighbouring words, and pieces of words (Bojanowski et al. 2017, "fastText").

Pieces make misspelt and inflected words, and languages without spaces, comparable. Hashes are 32 bits of CRC-32 over UTF-8: the
same everywhere and for ever, as a saved model needs. Not here: which n-grams a model keeps (``classifier``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from zlib import crc32

import numpy as np
import numpy.typing as npt

_TOKEN = re.compile(r"\w+|[^\w\s]")
#: Longest text that is read, in characters; what comes after adds time and little meaning to a bag of n-grams.
MAX_TEXT_CHARACTERS = 4_000
_MAX_CACHED_WORDS = 200_000

HashArray = npt.NDArray[np.uint32]


class NgramHasher:
    """Texts to arrays of n-gram hashes. The pieces of a word are computed once and kept, since words repeat."""

    def __init__(self, word_ngrams: int, piece_min: int, piece_max: int) -> None:
        """Use word n-grams up to ``word_ngrams`` and word pieces of ``piece_min`` to ``piece_max`` characters (0: no pieces)."""
        self._word_ngrams = word_ngrams
        self._pieces = range(piece_min, piece_max + 1) if piece_max else range(0)
        self._cache: dict[str, HashArray] = {}

    def hashes(self, text: str) -> HashArray:
        """All n-gram hashes of a text, shape ``(n-grams,)``, with repetitions, in the order of the text."""
        words = _TOKEN.findall(unicodedata.normalize("NFKC", text[:MAX_TEXT_CHARACTERS]).lower())
        parts = [self._word_hashes(word) for word in words]
        for size in range(2, self._word_ngrams + 1):
            joined = (" ".join(words[start : start + size]) for start in range(len(words) - size + 1))
            parts.append(_hash_all(joined))
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint32)

    def _word_hashes(self, word: str) -> HashArray:
        found = self._cache.get(word)
        if found is None:
            if len(self._cache) >= _MAX_CACHED_WORDS:
                self._cache.clear()
            found = self._cache[word] = _hash_all([word, *self._pieces_of(word)])
        return found

    def _pieces_of(self, word: str) -> Iterable[str]:
        framed = f"<{word}>"
        for size in self._pieces:
            # A piece as long as the framed word says nothing that the word itself does not.
            if size < len(framed):
                for start in range(len(framed) - size + 1):
                    yield "#" + framed[start : start + size]


def _hash_all(texts: Iterable[str]) -> HashArray:
    return np.fromiter((crc32(text.encode("utf-8", "surrogatepass")) for text in texts), dtype=np.uint32)
