"""int8 weights with one scale an output channel, symmetric: `w = q * scale[out]`, |q| <= 127."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LARGEST = 127


def quantise(weight: NDArray[np.float32], candidates: int = 40, narrowest: float = 0.6) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """float32 [out, in] -> int8 [out, in] and float32 scales [out].

    Each row's scale is the one of `candidates` between `narrowest` and 1 times max|w| / 127 with the least squared
    error: clipping a few outliers often costs less than a coarser grid for all others. Deterministic.
    """
    if weight.ndim != 2 or not np.isfinite(weight).all():
        raise ValueError("a weight to quantise is a finite matrix")
    weight = weight.astype(np.float32)
    widest = np.abs(weight).max(axis=1) / LARGEST
    # A row of zeros has no scale of its own; any does.
    widest = np.where(widest > 0, widest, 1.0).astype(np.float32)
    best_scale = widest
    best_error = np.full(len(weight), np.inf)
    for factor in np.linspace(1.0, narrowest, candidates):
        scale = (widest * factor).astype(np.float32)
        error = np.square(weight - dequantise(round_to(weight, scale), scale), dtype=np.float64).sum(axis=1)
        better = error < best_error
        best_scale = np.where(better, scale, best_scale)
        best_error = np.where(better, error, best_error)
    return round_to(weight, best_scale), best_scale


def round_to(weight: NDArray[np.float32], scale: NDArray[np.float32]) -> NDArray[np.int8]:
    """Nearest multiples of the rows' scales, int8 [out, in]."""
    return np.clip(np.rint(weight / scale[:, None]), -LARGEST, LARGEST).astype(np.int8)


def dequantise(values: NDArray[np.int8], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """`q * scale[out]`, float32 [out, in]."""
    return values.astype(np.float32) * scale[:, None]
