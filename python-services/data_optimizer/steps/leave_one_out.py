"""What a row's label looks like to a model that has seen every row but this one: kernel ridge regression, left out in closed form.

Texts become tf-idf vectors of words, pairs of words and pieces of words. One ridge regression from their cosine kernel to the labels
gives each row's score without itself as ``(f - h * y) / (1 - h)``, with ``h`` its leverage (Allen 1974, PRESS), so that no folds are
drawn and no model is fitted twice. Squared loss and the missing own label make it steady under wrong labels. Above a few thousand rows
the kernel is that of Nyström landmarks (Williams & Seeger 2001), in blocks of rows, so that memory stays bounded.
Not here: what the scores say about the labels (``label_noise``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
#: Words of one character count too: in short questions `i` and `a` carry meaning.
WORD = r"(?u)\b\w+\b"
#: Ridge penalty on a kernel whose diagonal is 1. From 1 to 3 the results hardly differ, on short and long texts alike.
_PENALTY = 2.0
_JITTER = 1e-3
_MOST_LANDMARKS, _FEWEST_LANDMARKS = 3_000, 500
#: Rows times landmarks squared, which is what the time goes with.
_WORK = 2e11
_BLOCK_ROWS = 2_048
#: Kernel blocks are kept from the first pass to the second while they fit into this many bytes, else computed anew.
_KEPT_BYTES = 256 << 20
_FEATURES = 1 << 18
_WORD_CHARACTERS = 4_000
_WORD_WEIGHT = np.float32(0.7)
#: Pieces of words are read from the first characters of a text only, as many as this budget leaves to a row.
_PIECE_BUDGET, _FEWEST_PIECE_CHARACTERS, _MOST_PIECE_CHARACTERS = 4_000_000, 128, 1_000


def leave_one_out_scores(
    texts: list[str],
    codes: npt.NDArray[np.int64],
    classes: int,
    seed: int,
    check: Callable[[], None] = lambda: None,
) -> Scores:
    """Scores of shape ``(rows, classes)``, higher where the class is likelier; a row's own label has no part in its scores.

    Same texts, labels and seed in the same order give the same scores on the same kind of machine. The seed draws the landmarks.
    ``check`` is called between the blocks.
    """
    kernel = _Kernel(vectors(texts), seed)
    gram = np.zeros((kernel.landmarks, kernel.landmarks))
    targets = np.zeros((kernel.landmarks, classes))
    shares = np.bincount(codes, minlength=classes) / len(codes)
    for start, block in kernel.blocks():
        check()
        gram += block.T @ block
        targets += block.T @ _centred(codes[start : start + len(block)], shares)
    inverse = _regularised_inverse(gram, kernel.among_landmarks)
    weights = (inverse @ targets).astype(np.float32)
    inverse = inverse.astype(np.float32)
    scores = np.empty((len(codes), classes), dtype=np.float32)
    for start, block in kernel.blocks():
        check()
        rows = slice(start, start + len(block))
        leverage = np.minimum(np.einsum("ij,ij->i", block @ inverse, block), 0.999)[:, None]
        scores[rows] = (block @ weights - leverage * _centred(codes[rows], shares)) / (1 - leverage)
    return scores


def vectors(texts: list[str]) -> Any:
    """Sparse float32 matrix of shape ``(rows, features)``: a third words and pairs of words, the rest pieces; rows of length 1.

    Pieces weigh more, since in languages without spaces a "word" is a whole clause.
    """
    from scipy.sparse import hstack

    limit = max(_FEWEST_PIECE_CHARACTERS, min(_MOST_PIECE_CHARACTERS, _PIECE_BUDGET // len(texts)))
    words = _tf_idf([text[:_WORD_CHARACTERS] for text in texts], ngram_range=(1, 2), token_pattern=WORD) * _WORD_WEIGHT
    pieces = _tf_idf([text[:limit] for text in texts], ngram_range=(1, 4), analyzer="char_wb")
    return _of_length_one(hstack([words, pieces], format="csr"))


def _tf_idf(texts: list[str], **options: Any) -> Any:
    """Hashed n-grams as (1 + ln count) x idf, rows of length 1; n-grams of a single row, or of every row, tell nothing and are left out."""
    from scipy.sparse import diags_array
    from sklearn.feature_extraction.text import HashingVectorizer

    hasher = HashingVectorizer(n_features=_FEATURES, norm=None, alternate_sign=False, dtype=np.float32, **options)
    counts = hasher.transform(texts)
    in_rows = np.bincount(counts.indices, minlength=_FEATURES)
    known = np.flatnonzero((in_rows > 1) & (in_rows < len(texts)))
    counts = counts[:, known]
    counts.data = 1 + np.log(counts.data)
    idf = np.log((1 + len(texts)) / (1 + in_rows[known])) + 1
    return _of_length_one(counts @ diags_array(idf.astype(np.float32)))


def _of_length_one(matrix: Any) -> Any:
    """The rows scaled to length 1; as they are where no n-gram is known, such as words among emoji."""
    from sklearn.preprocessing import normalize

    return normalize(matrix, copy=False) if matrix.shape[1] else matrix


class _Kernel:
    """The cosine of every row with the landmark rows."""

    def __init__(self, matrix: Any, seed: int) -> None:
        rows = matrix.shape[0]
        most = max(_FEWEST_LANDMARKS, min(_MOST_LANDMARKS, math.isqrt(int(_WORK / rows))))
        drawn = np.random.default_rng(seed).permutation(rows)[:most]
        self._matrix = matrix
        self._columns = matrix[np.sort(drawn)].T.tocsr()
        self.landmarks = len(drawn)
        self.among_landmarks = (self._columns.T @ self._columns).toarray().astype(np.float64)
        self._kept: list[Scores] | None = [] if rows * self.landmarks * 4 <= _KEPT_BYTES else None

    def blocks(self) -> Iterator[tuple[int, Scores]]:
        """Number of the first row and the values, float32 of shape ``(rows, landmarks)``, block by block."""
        for number, start in enumerate(range(0, self._matrix.shape[0], _BLOCK_ROWS)):
            if self._kept is None:
                yield start, self._block(start)
                continue
            if number == len(self._kept):
                self._kept.append(self._block(start))
            yield start, self._kept[number]

    def _block(self, start: int) -> Scores:
        block: Scores = (self._matrix[start : start + _BLOCK_ROWS] @ self._columns).toarray()
        return block


def _regularised_inverse(gram: npt.NDArray[np.float64], among: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``(K'K + penalty * M)^-1`` with ``M`` the kernel among the landmarks, a little lifted so that copies of a row do no harm."""
    from scipy.linalg.lapack import dpotrf, dpotri

    diagonal = np.diag_indices_from(among)
    system = gram + _PENALTY * among
    system[diagonal] += _PENALTY * _JITTER
    factor, _ = dpotrf(system, lower=1, overwrite_a=1)
    inverse: npt.NDArray[np.float64] = np.tril(dpotri(factor, lower=1, overwrite_c=1)[0])
    inverse += np.tril(inverse, -1).T
    return inverse


def _centred(codes: npt.NDArray[np.int64], shares: npt.NDArray[np.float64]) -> Scores:
    """One row per label: 1 at its class, less the share of each class."""
    targets = np.repeat(-shares[None, :], len(codes), axis=0).astype(np.float32)
    targets[np.arange(len(codes)), codes] += 1
    return targets
