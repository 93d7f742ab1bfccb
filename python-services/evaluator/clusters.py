"""Clusters of errors by their words: TF-IDF, latent semantic analysis, k-means; each named by the terms that set it apart.

A cluster is handed on as a predicate over its terms, not as a list of rows, so that anyone can find its rows again.
Not here: whether a cluster means anything (``slices`` tests it on rows that had no part in it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from wlops_common.contracts import TaskType
from wlops_ml.features import CLUSTER, CLUSTER_TERMS_NEEDED, Predicate, words
from wlops_ml.rows import input_column

#: Fewer errors than this in the half of the rows that is looked at form no clusters.
MIN_ERRORS = 15
ERRORS_PER_CLUSTER, MAX_CLUSTERS = 10, 10
MIN_CLUSTER_ERRORS = 4
MAX_COMPONENTS = 50
MAX_TERMS, MAX_VOCABULARY = 3, 20_000


def error_clusters(
    rows: Sequence[Mapping[str, Any]], wrong: npt.NDArray[np.bool_], task_type: TaskType, seed: int
) -> list[Predicate]:
    """Predicates for the clusters among the wrong rows, sorted by name; ``wrong`` has shape ``(rows,)``."""
    if int(wrong.sum()) < MIN_ERRORS:
        return []
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        tokenizer=_terms, token_pattern=None, lowercase=False, min_df=2, sublinear_tf=True, max_features=MAX_VOCABULARY
    )
    try:
        weights = vectorizer.fit_transform([str(row[input_column(task_type)]) for row in rows]).tocsr()
    except ValueError:  # no word occurs in two rows
        return []
    membership = _assign(weights[wrong], seed)
    background = np.asarray(weights.mean(axis=0)).ravel()
    vocabulary = vectorizer.get_feature_names_out()
    found = set()
    for cluster in np.unique(membership):
        own = weights[wrong][membership == cluster]
        if own.shape[0] >= MIN_CLUSTER_ERRORS:
            distinction = np.asarray(own.mean(axis=0)).ravel() - background
            best = [index for index in np.argsort(-distinction, kind="stable")[:MAX_TERMS] if distinction[index] > 0]
            if len(best) >= CLUSTER_TERMS_NEEDED:
                found.add(Predicate(CLUSTER, ", ".join(str(vocabulary[index]) for index in best)))
    return sorted(found)


def _terms(text: str) -> list[str]:
    # A number names no topic.
    return [word for word in words(text) if not word.isdecimal()]


def _assign(weights: sparse.csr_matrix, seed: int) -> npt.NDArray[np.int64]:
    """A cluster number for each row of ``weights``, shape ``(rows,)``."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize

    rows, terms = weights.shape
    components = min(MAX_COMPONENTS, rows - 1, terms - 1)
    space = TruncatedSVD(components, random_state=seed).fit_transform(weights) if components >= 2 else weights.toarray()
    clusters = int(np.clip(rows // ERRORS_PER_CLUSTER, 2, MAX_CLUSTERS))
    # Equal rows can be fewer than the clusters asked for; k-means warns about it.
    clusters = min(clusters, len(np.unique(np.round(space, 9), axis=0)))
    model = KMeans(clusters, n_init=3, random_state=seed)
    return np.asarray(model.fit_predict(normalize(space)), dtype=np.int64)
