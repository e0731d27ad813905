"""What models of single colours and of pairs reach, in nats per pixel: what a network has to better."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def unigram_loss(train: NDArray[np.uint16], test: NDArray[np.uint16], colors: int) -> float:
    """Nats per pixel of the colours' frequencies in `train`, one added to each count."""
    counts = np.bincount(train.ravel(), minlength=colors) + 1.0
    return float(-np.log(counts / counts.sum())[test].mean())


def previous_pixel_loss(train: NDArray[np.uint16], test: NDArray[np.uint16], colors: int) -> float:
    """Nats per pixel, first one left out, of a colour given the one before it: counts in `train`, mixed with the
    colours' frequencies, which weigh as much as ten sightings."""
    pairs = train[:, :-1].astype(np.int64) * colors + train[:, 1:]
    counts = np.bincount(pairs.ravel(), minlength=colors * colors).reshape(colors, colors).astype(np.float64)
    single = np.bincount(train.ravel(), minlength=colors) + 1.0
    single /= single.sum()
    table = (counts + 10 * single) / (counts.sum(1, keepdims=True) + 10)
    return float(-np.log(table[test[:, :-1], test[:, 1:]]).mean())
