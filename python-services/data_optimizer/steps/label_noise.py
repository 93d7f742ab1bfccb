"""How many labels are wrong, and how surely each one is: a noise model fitted to scores that did not see the row's own label.

A row's right label ``j`` has probability softmax(sharpness x score + expectation). Expected of a text that says nothing is every class
alike, or each by its share where that explains the labels far better than any noise: else noise would have to explain why a class is rare,
and every row that is hard to tell would be doubted. Labels that go wrong one way make a class rare as well; what tells the two apart are
rows whose scores are sure, of which as many are wrong as of the others. The label that the row was given is the right one, or, by
``T[j, i]``, another. Sharpness and noise share are those that make the given labels likeliest; ``T`` follows by expectation-maximisation
(Dawid & Skene 1979), held near even noise, since few rows per pair of classes prove little. Unlike thresholds on probabilities (confident
learning, Northcutt et al. 2021) this doubts next to nothing where labels are clean, however weak the model: hard to tell is not wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from data_optimizer.steps.leave_one_out import Scores

Matrix = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
#: Rows that the model is fitted to, evenly taken: more would not make its few numbers surer.
_MOST_ROWS = 30_000
_BLOCK_ROWS = 8_192
_SHARPNESSES = 2.0 ** np.arange(-1, 9)
#: Nats a row by which the classes' shares must explain the labels better than noise among classes that are alike. Below it, with a rare
#: class of a third of the rows or more, no row is doubted for being rare.
_SHARES_GAIN = 0.03
_GOLDEN = (3 - 5**0.5) / 2
#: Weight of even noise in ``T`` against what the rows themselves show.
_EVEN_WEIGHT = 0.8
_TINY = 1e-12
#: With more wrong labels than right ones nothing tells which is which.
_MOST_NOISE = 0.5
#: Where even noise explains nothing, noise between pairs of classes is looked for from here.
_FIRST_GUESS = 0.05
#: Log-likelihood in nats that each number more must gain: half the 99 % point of chi-square with one degree of freedom (Wilks 1938).
_LEAST_GAIN = 3.32


@dataclass(frozen=True)
class NoiseModel:
    """Sharpness of the scores and ``transition[j, i]``: the probability that a row of class ``j`` was given label ``i``."""

    sharpness: float
    transition: Matrix
    #: Estimated share of wrong labels, 0 to 1.
    noise: float

    #: What is added to the sharpened scores of any row, shape ``(classes,)``.
    expected: Scores

    def right_label(self, scores: Scores, codes: Codes) -> Scores:
        """Probability of each class to be the right one, shape ``(rows, classes)``, knowing scores and given labels."""
        return _posterior(_probabilities(scores, self.sharpness, self.expected), codes, self.transition)


#: A model and the log-likelihood of the given labels by it.
Fit: TypeAlias = tuple[NoiseModel, float]


def fit_noise(scores: Scores, codes: Codes) -> NoiseModel:
    """Fit to out-of-sample scores (or log-probabilities) of shape ``(rows, classes)`` and the given labels. Deterministic."""
    step = -(-len(codes) // _MOST_ROWS)
    scores, codes = scores[::step], codes[::step]
    classes = scores.shape[1]
    alike, shares = np.zeros(classes, dtype=np.float32), _log_shares(codes, classes)
    model, likelihood = _fitted(scores, codes, alike)
    by_shares = _without_noise(scores, codes, shares)[1]
    if by_shares - likelihood < _SHARES_GAIN * len(codes):
        return model
    # Noise that goes one way makes a class rare too, and ``T`` held near even noise explains that badly: once more with ``T`` let go.
    freely, free_likelihood = _fitted(scores, codes, alike, even_weight=0.0)
    one_way = free_likelihood - by_shares >= _LEAST_GAIN * classes and freely.transition.diagonal().min() > _MOST_NOISE
    return model if one_way else _fitted(scores, codes, shares)[0]


def _fitted(scores: Scores, codes: Codes, expected: Scores, even_weight: float = _EVEN_WEIGHT) -> Fit:
    clean = _without_noise(scores, codes, expected)
    return _with_noise(scores, codes, expected, clean[1], even_weight) or clean


def _without_noise(scores: Scores, codes: Codes, expected: Scores) -> Fit:
    """The model of right labels. Scores that tell nothing are no better than the shares alone: noise must not be what flattens them."""

    def likelihood(value: float) -> float:
        return _mean_log(_own(scores, codes, value, expected)) * len(codes)

    sharpness = _best(likelihood)
    return NoiseModel(sharpness, np.eye(scores.shape[1]), 0.0, expected), max(likelihood(sharpness), likelihood(0.0))


def _with_noise(scores: Scores, codes: Codes, expected: Scores, clean: float, even_weight: float) -> Fit | None:
    """The likeliest model of noise; None where it does not explain the labels clearly better than right labels do (``clean``).

    Blurred scores and wrong labels look alike.
    """
    rows, classes = scores.shape
    sharpness = _best(lambda value: _even_noise(_own(scores, codes, value, expected), classes)[1])
    noise, evenly = _even_noise(_own(scores, codes, sharpness, expected), classes)
    is_even = evenly * rows - clean >= _LEAST_GAIN
    if not is_even:
        sharpness, noise = _best(lambda value: _mean_log(_own(scores, codes, value, expected))), _FIRST_GUESS
    probabilities = _probabilities(scores, sharpness, expected)
    transition = _even(noise, classes)
    # With T at hand a pair of classes may explain what looked like blurred scores: sharpness and T once more, in turn.
    for fixed_noise in (noise, None, None):
        for _ in range(5):
            posterior = _posterior(probabilities, codes, transition)
            transition, noise = _transition(posterior, codes, fixed_noise, even_weight)
        sharpness = max(
            (sharpness * factor for factor in (0.8, 1.0, 1.25, 1.5)),
            key=lambda value: _likelihood(_probabilities(scores, value, expected), codes, transition),
        )
        probabilities = _probabilities(scores, sharpness, expected)
    likelihood = _likelihood(probabilities, codes, transition) * rows
    if not is_even and likelihood - clean < _LEAST_GAIN * classes:
        return None
    return NoiseModel(float(sharpness), transition, float(noise), expected), likelihood


def doubts(model: NoiseModel, scores: Scores, codes: Codes) -> tuple[Codes, Codes, Scores, Scores]:
    """Rows whose label is likelier wrong than right, the likeliest other label, its probability, and that of the given label."""
    found: list[tuple[Codes, Codes, Scores, Scores]] = []
    for start in range(0, len(codes), _BLOCK_ROWS):
        given = codes[start : start + _BLOCK_ROWS]
        posterior = model.right_label(scores[start : start + _BLOCK_ROWS], given)
        every = np.arange(len(given))
        kept = posterior[every, given]
        posterior[every, given] = -1
        other = posterior.argmax(axis=1)
        doubted = np.flatnonzero(kept < 0.5)
        found.append((doubted + start, other[doubted], posterior[doubted, other[doubted]], kept[doubted]))
    rows, other, likelihood, kept = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, other, likelihood, kept


def _log_shares(codes: Codes, classes: int) -> Scores:
    """The logarithm of each class's share of the given labels, one row more in each, shape ``(classes,)``."""
    shares: Scores = np.log((np.bincount(codes, minlength=classes) + 1) / (len(codes) + classes)).astype(np.float32)
    return shares


def _probabilities(scores: Scores, sharpness: float, expected: Scores) -> Scores:
    logits = scores * np.float32(sharpness) + expected
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return logits


def _own(scores: Scores, codes: Codes, sharpness: float, expected: Scores) -> Matrix:
    """Probability of the given label, before noise."""
    own: Matrix = _probabilities(scores, sharpness, expected)[np.arange(len(codes)), codes].astype(np.float64)
    return own


def _even_noise(own: Matrix, classes: int) -> tuple[float, float]:
    """The likeliest share of wrong labels when each wrong one is equally likely, and its mean log-likelihood (which is concave)."""
    slope = (1 - own) / (classes - 1) - own
    low, high = 0.0, min(_MOST_NOISE, 0.9 * (classes - 1) / classes)
    for _ in range(30):
        middle = (low + high) / 2
        if (slope / np.maximum(own + middle * slope, _TINY)).mean() > 0:
            low = middle
        else:
            high = middle
    noise = (low + high) / 2
    return noise, _mean_log(own + noise * slope)


def _best(likelihood: Callable[[float], float]) -> float:
    """Best sharpness of a grid, then golden-section search between its neighbours, on a logarithmic scale."""
    best = int(np.argmax([likelihood(value) for value in _SHARPNESSES]))
    low = np.log(_SHARPNESSES[max(best - 1, 0)])
    high = np.log(_SHARPNESSES[min(best + 1, len(_SHARPNESSES) - 1)])
    for _ in range(8):
        left, right = low + _GOLDEN * (high - low), high - _GOLDEN * (high - low)
        if likelihood(np.exp(left)) > likelihood(np.exp(right)):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def _mean_log(likelihoods: Matrix) -> float:
    return float(np.log(np.maximum(likelihoods, _TINY)).mean())


def _even(noise: float, classes: int) -> Matrix:
    transition = np.full((classes, classes), noise / (classes - 1))
    np.fill_diagonal(transition, 1 - noise)
    return transition


def _posterior(probabilities: Scores, codes: Codes, transition: Matrix) -> Scores:
    posterior: Scores = probabilities * transition.T.astype(np.float32)[codes]
    posterior /= np.maximum(posterior.sum(axis=1, keepdims=True), np.float32(_TINY))
    return posterior


def _likelihood(probabilities: Scores, codes: Codes, transition: Matrix) -> float:
    return _mean_log(np.einsum("ij,ij->i", probabilities, transition.T.astype(np.float32)[codes]))


def _transition(posterior: Scores, codes: Codes, noise: float | None, even_weight: float) -> tuple[Matrix, float]:
    """``T`` from what the rows show and even noise, which is of the given share, or of the share that the rows show."""
    from scipy.sparse import csr_array

    rows, classes = posterior.shape
    given = csr_array((np.ones(rows, dtype=np.float32), (codes, np.arange(rows))), shape=(classes, rows))
    counts = (given @ posterior).T.astype(np.float64)
    if noise is None:
        noise = min(1 - float(np.trace(counts)) / rows, _MOST_NOISE)
    even = _even(noise, classes)
    seen = (counts + even) / (counts.sum(axis=1, keepdims=True) + 1)
    return even_weight * even + (1 - even_weight) * seen, noise
