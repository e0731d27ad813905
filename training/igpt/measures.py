"""What a model's nats and features are worth: linear probe, neighbours, baselines. Arrays in, numbers out."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray


def probe_accuracy(
    train: NDArray[np.float32], train_labels: NDArray[np.int64], test: NDArray[np.float32], test_labels: NDArray[np.int64]
) -> float:
    """Share of test vectors [N, d] whose class a logistic regression fitted on the train vectors names (iGPT paper,
    section 3.3, with an L2 penalty of strength 1 on standardised features)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(train, train_labels)
    return float(probe.score(test, test_labels))


def halves(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the first half of every class, and of the second."""
    first, second = [], []
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        first.append(of_class[: len(of_class) // 2])
        second.append(of_class[len(of_class) // 2 :])
    return np.concatenate(first), np.concatenate(second)


def precision_at(count: int, vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean share of a vector's `count` nearest others (cosine, of vectors less their mean) that are of its class."""
    count = min(count, len(vectors) - 1)
    centred = vectors - vectors.mean(0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    hits = 0
    for start in range(0, len(centred), 512):
        part = slice(start, min(start + 512, len(centred)))
        similarity = centred[part] @ centred.T
        rows = np.arange(similarity.shape[0])
        similarity[rows, rows + start] = -np.inf
        nearest = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
        hits += int((labels[nearest] == labels[part][:, None]).sum())
    return hits / (count * len(vectors))
