"""What a model's nats and features are worth: linear probe, neighbours. Arrays in, numbers out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STRENGTHS = (0.00003, 0.0003, 0.003, 0.03, 0.3, 3.0)
"""Inverse L2 penalties to choose from, scikit-learn's C: 1 / (2 C) |W|^2 beside the sum of all pictures' losses."""
DEFAULT_STRENGTH = 0.03
"""Where there are too few pictures to choose by."""


@dataclass(frozen=True)
class Probe:
    """Accuracy on the pictures it was not fitted on, and the penalty that was chosen."""

    accuracy: float
    strength: float


def linear_probe(
    train: NDArray[np.float32], train_labels: NDArray[np.int64], test: NDArray[np.float32], test_labels: NDArray[np.int64]
) -> Probe:
    """Logistic regression on standardised vectors [N, d] (iGPT paper, section 3.3). The L2 penalty is the one with the
    best accuracy on a fifth of the train vectors, fitted on the others; then all of them are fitted."""
    mean, deviation = train.mean(0, dtype=np.float64), train.std(0, dtype=np.float64)
    mean, scale = mean.astype(np.float32), (1 / np.maximum(deviation, 1e-6)).astype(np.float32)
    fit, score = (train - mean) * scale, (test - mean) * scale
    strength = choose_strength(fit, train_labels)
    return Probe(fitted_accuracy(fit, train_labels, score, test_labels, strength), strength)


def choose_strength(vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The strength with the best accuracy on every fifth picture of each class; the strongest penalty among equals."""
    order = np.argsort(labels, kind="stable")
    held = np.zeros(len(labels), bool)
    held[order[::5]] = True
    # A class without a picture on either side would make the comparison one of luck.
    if any(np.bincount(labels[part], minlength=labels.max() + 1)[np.unique(labels)].min() < 2 for part in (held, ~held)):
        return DEFAULT_STRENGTH
    fit, fit_labels, score, score_labels = vectors[~held], labels[~held], vectors[held], labels[held]
    return max(STRENGTHS, key=lambda strength: (fitted_accuracy(fit, fit_labels, score, score_labels, strength), -strength))


def fitted_accuracy(
    train: NDArray[np.float32],
    train_labels: NDArray[np.int64],
    test: NDArray[np.float32],
    test_labels: NDArray[np.int64],
    strength: float,
) -> float:
    """Share of test vectors whose class a logistic regression names."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # One thread: on cores that others use too, scikit-learn's wait for each other at every step, a hundred times as long.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression = LogisticRegression(C=strength, max_iter=300).fit(train, train_labels)
    return float(regression.score(test, test_labels))


def halves(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the first half of every class, and of the second. A class of one picture is in the second alone."""
    first, second = [], []
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        first.append(of_class[: len(of_class) // 2])
        second.append(of_class[len(of_class) // 2 :])
    return np.concatenate(first), np.concatenate(second)


def centred_unit(vectors: NDArray[np.float32], mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors less `mean`, of length 1: their products are the cosines by which neighbours are found."""
    centred = vectors - mean
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)


def precision_at(count: int, vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> float | None:
    """Mean share of a vector's `count` nearest others (cosine, of vectors less their mean) that are of its class; of
    all others where there are fewer. None when there are no others."""
    count = min(count, len(vectors) - 1)
    if count < 1:
        return None
    centred = centred_unit(vectors, vectors.mean(0))
    hits = 0
    for start in range(0, len(centred), 512):
        part = slice(start, min(start + 512, len(centred)))
        similarity = centred[part] @ centred.T
        rows = np.arange(similarity.shape[0])
        similarity[rows, rows + start] = -np.inf
        nearest = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
        hits += int((labels[nearest] == labels[part][:, None]).sum())
    return hits / (count * len(vectors))
