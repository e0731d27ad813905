"""Is it copying? How far pictures are from the nearest training picture, mirrored ones included.

What counts is the comparison: samples of a model that copies are nearer than test pictures are, which it cannot have
copied. Plain pictures are near to every picture, so the distance is also taken relative to that of the 50 nearest
(Carlini et al. 2023, "Extracting Training Data from Diffusion Models", section 4.2): a copy is far below 1 there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.palette import Palette
from .measures import centred_unit

NEIGHBOURS = 50
QUANTILES = (0.0, 0.01, 0.1, 0.5, 0.9)
CHUNK = 4096


def mirrored(tokens: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Pictures [N, T], left and right exchanged."""
    side = round(tokens.shape[1] ** 0.5)
    return tokens.reshape(-1, side, side)[:, :, ::-1].reshape(tokens.shape)


def nearest(queries: NDArray[np.float32], mirrors: NDArray[np.float32], train_chunks, count: int) -> NDArray[np.float32]:
    """The `count` smallest Euclidean distances to train vectors, [Q, count] in rising order. A train vector's distance is
    to the query or to its mirror, whichever is less. `train_chunks` yields arrays [n, d]."""
    best = np.full((len(queries), 0), np.inf, np.float32)
    for chunk in train_chunks:
        squares = np.minimum(_squares(queries, chunk), _squares(mirrors, chunk))
        together = np.concatenate((best, squares), axis=1)
        kept = min(count, together.shape[1])
        best = np.partition(together, kept - 1, axis=1)[:, :kept]
    return np.sqrt(np.maximum(np.sort(best, axis=1), 0))


def _squares(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared Euclidean distances of [N, d] to [M, d], [N, M]."""
    return (left**2).sum(1, keepdims=True) + (right**2).sum(1) - 2 * (left @ right.T)


@dataclass(frozen=True)
class Space:
    """Distances of groups of pictures in one space: `near` and `relative` by group, each [N]."""

    near: dict[str, NDArray[np.float32]]
    relative: dict[str, NDArray[np.float32]]

    def summary(self) -> dict:
        """Quantiles by group, and the share of each that is nearer than the nearest hundredth of the test pictures."""
        return {
            group: {
                "pictures": len(near),
                "nearest": quantiles(near),
                "relative": quantiles(self.relative[group]),
                "nearerThanTest1Percent": float((near < np.quantile(self.near["test"], 0.01)).mean()),
                "relativeBelowTest1Percent": float(
                    (self.relative[group] < np.quantile(self.relative["test"], 0.01)).mean()
                ),
            }
            for group, near in self.near.items()
        }


def quantiles(values: NDArray[np.float32]) -> dict[str, float]:
    return {f"{100 * q:g}%": round(float(np.quantile(values, q)), 4) for q in QUANTILES}


def space(queries: dict[str, tuple[NDArray, NDArray]], chunks, unit: float) -> Space:
    """Distances divided by `unit`, of groups of (vectors, their mirrors) to the train vectors of `chunks`."""
    own, mirrors = (np.concatenate([pair[side] for pair in queries.values()]) for side in (0, 1))
    distances = nearest(own, mirrors, chunks, NEIGHBOURS) / unit
    near: dict[str, NDArray] = {}
    relative: dict[str, NDArray] = {}
    start = 0
    for group, (vectors, _) in queries.items():
        part = distances[start : start + len(vectors)]
        near[group], relative[group] = part[:, 0], part[:, 0] / np.maximum(part.mean(1), 1e-6)
        start += len(vectors)
    return Space(near, relative)


def closest(
    samples: NDArray[np.uint16], train: NDArray[np.uint16], palette: Palette, count: int
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """The `count` samples that are nearest to a training picture, and those pictures, mirrored where that is nearer: [count, T]
    each, the nearest first. By squared difference of colour values."""
    both = np.concatenate((samples, mirrored(samples)))
    vectors = _vectors(both, palette)
    best, place = np.full(len(both), np.inf, np.float32), np.zeros(len(both), np.int64)
    for start in range(0, len(train), CHUNK):
        chunk = _vectors(train[start : start + CHUNK], palette)
        squares = _squares(vectors, chunk)
        least = squares.argmin(1)
        squares = squares[np.arange(len(both)), least]
        nearer = squares < best
        best[nearer], place[nearer] = squares[nearer], start + least[nearer]
    by_mirror = best[len(samples) :] < best[: len(samples)]
    order = np.minimum(*np.split(best, 2)).argsort(kind="stable")[:count]
    found = [mirrored(train[place[len(samples) + i]][None])[0] if by_mirror[i] else train[place[i]] for i in order]
    return samples[order], np.stack(found)


def _vectors(tokens: NDArray[np.uint16], palette: Palette) -> NDArray[np.float32]:
    """Colour values less the palette's mean, so that the squares stay small and exact enough: [N, T] -> [N, T * 3]."""
    return (palette.decode(tokens).astype(np.float32) - palette.rgb.astype(np.float32).mean(0)).reshape(len(tokens), -1)


def pixel_space(
    queries: dict[str, NDArray[np.uint16]], train: NDArray[np.uint16], palette: Palette, lower_half: bool = False
) -> Space:
    """Root mean square difference of colour values, 0 to 255; of the lower half only on request. Tokens [N, T] by group."""
    first = train.shape[1] // 2 if lower_half else 0
    pairs = {
        group: (_vectors(tokens[:, first:], palette), _vectors(mirrored(tokens)[:, first:], palette)) for group, tokens in queries.items()
    }
    chunks = (_vectors(train[start : start + CHUNK, first:], palette) for start in range(0, len(train), CHUNK))
    return space(pairs, chunks, float(np.sqrt(3 * (train.shape[1] - first))))


def feature_space(queries: dict[str, tuple[NDArray, NDArray]], train: NDArray[np.float32]) -> Space:
    """Distance of embeddings less the train pictures' mean, of length 1: sqrt(2 - 2 cosine). Groups of (features [N, d],
    those of the mirrored pictures); train [M, d]."""
    mean = train.mean(0, dtype=np.float64).astype(np.float32)
    pairs = {group: (centred_unit(own, mean), centred_unit(other, mean)) for group, (own, other) in queries.items()}
    chunks = (centred_unit(train[start : start + CHUNK], mean) for start in range(0, len(train), CHUNK))
    return space(pairs, chunks, 1.0)
