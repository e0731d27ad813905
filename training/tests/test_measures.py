from __future__ import annotations

import numpy as np
import pytest

from igpt.evaluation.measures import DEFAULT_STRENGTH, STRENGTHS, choose_strength, halves, linear_probe, precision_at


def blobs(seed: int, count: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Three classes of 8-dimensional vectors around centres of their own."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(3, 8))
    labels = np.arange(count) % 3
    return (centres[labels] + random.normal(scale=spread, size=(count, 8))).astype(np.float32), labels


def test_a_probe_finds_what_is_there_and_nothing_else() -> None:
    train, test = blobs(1, 300, 0.1), blobs(2, 300, 0.1)
    assert linear_probe(*train, *test).accuracy == 1
    shuffled = np.random.default_rng(3).permutation(test[1])
    assert linear_probe(*train, test[0], shuffled).accuracy == pytest.approx(1 / 3, abs=0.1)


def test_the_scale_of_a_feature_does_not_matter() -> None:
    train, test = blobs(1, 120, 0.8), blobs(2, 120, 0.8)
    factors = np.float32(2.0) ** np.arange(-8, 8, 2, dtype=np.float32)
    assert linear_probe(train[0] * factors, train[1], test[0] * factors, test[1]) == linear_probe(*train, *test)


def test_the_penalty_is_strong_where_most_features_say_nothing() -> None:
    random = np.random.default_rng(5)
    vectors, labels = blobs(6, 60, 0.1)
    noise = random.normal(scale=1, size=(60, 400)).astype(np.float32)
    assert choose_strength(np.concatenate((0.05 * vectors, noise), 1), labels) < STRENGTHS[-1]
    assert choose_strength(vectors[:6], labels[:6]) == DEFAULT_STRENGTH


def test_neighbours() -> None:
    vectors, labels = blobs(4, 90, 0.05)
    assert precision_at(10, vectors, labels) == 1
    assert precision_at(10, vectors, np.random.default_rng(5).permutation(labels)) == pytest.approx(1 / 3, abs=0.1)
    # A vector is no neighbour of its own: a class of one has none.
    assert precision_at(1, vectors[:3], labels[:3]) == 0
    assert precision_at(10, vectors[:1], labels[:1]) is None


def test_halves() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 0])
    first, second = halves(labels)
    assert sorted([*first, *second]) == list(range(8))
    assert list(labels[first]) == [0, 0, 1, 1]
