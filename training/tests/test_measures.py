from __future__ import annotations

import numpy as np
import pytest

from igpt.measures import halves, precision_at, probe_accuracy


def blobs(seed: int, count: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Three classes of 8-dimensional vectors around centres of their own."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(3, 8))
    labels = np.arange(count) % 3
    return (centres[labels] + random.normal(scale=spread, size=(count, 8))).astype(np.float32), labels


def test_a_probe_finds_what_is_there_and_nothing_else() -> None:
    train, test = blobs(1, 300, 0.1), blobs(2, 300, 0.1)
    assert probe_accuracy(*train, *test) == 1
    shuffled = np.random.default_rng(3).permutation(test[1])
    assert probe_accuracy(*train, test[0], shuffled) == pytest.approx(1 / 3, abs=0.1)


def test_neighbours() -> None:
    vectors, labels = blobs(4, 90, 0.05)
    assert precision_at(10, vectors, labels) == 1
    assert precision_at(10, vectors, np.random.default_rng(5).permutation(labels)) == pytest.approx(1 / 3, abs=0.1)
    # A vector is no neighbour of its own: a class of one has none.
    assert precision_at(1, vectors[:3], labels[:3]) == 0


def test_halves() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 0])
    first, second = halves(labels)
    assert sorted([*first, *second]) == list(range(8))
    assert list(labels[first]) == [0, 0, 1, 1]
