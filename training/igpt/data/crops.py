"""Batches of random crops of photographs, made by worker processes while the device computes.

A crop is a random square of a picture, scaled to side x side with a filter drawn at random and mirrored half of the time,
so that a picture is a new clean one each time it comes. What the n-th batch holds depends on the seed and n alone.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .decode import open_picture
from .photos import Photos

FILTERS = (Image.Resampling.BOX, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


def random_crop(image: Image.Image, side: int, random: np.random.Generator, smallest: float = 0.5) -> NDArray[np.uint8]:
    """uint8 [side, side, 3]: a square of `smallest` to 1.0 of the short side (at least 1.25 times `side`, where the picture
    has that much: below, a crop shows the softness of a picture near its own resolution), a filter, perhaps mirrored."""
    edge = min(image.size)
    least = min(edge, max(smallest * edge, 1.25 * side))
    size = int(random.uniform(least, edge))
    left, top = (int(random.integers(0, full - size + 1)) for full in image.size)
    # Cropped first: a resize with a box would let pixels outside of it shine in.
    square = image.crop((left, top, left + size, top + size))
    pixels = np.asarray(square.resize((side, side), FILTERS[random.integers(len(FILTERS))]))
    return pixels[:, ::-1] if random.random() < 0.5 else pixels


class Crops(Dataset):
    """Batch n, uint8 [size, side, side, 3], for any n: every epoch is a permutation drawn from (seed, epoch), and the crop of
    the i-th picture of a run from (seed, i), so that a run that is resumed goes on where it stopped."""

    def __init__(self, photos: Photos, size: int, side: int, seed: int, smallest: float = 0.5) -> None:
        self.photos = photos
        self.size = size
        self.side = side
        self.seed = seed
        self.smallest = smallest
        self._epoch = -1
        self._order: NDArray[np.int64] = np.empty(0, np.int64)

    def __getitem__(self, step: int) -> Tensor:
        first = step * self.size
        return torch.from_numpy(np.stack([self._crop(first + i) for i in range(self.size)]))

    def _crop(self, index: int) -> NDArray[np.uint8]:
        epoch, place = divmod(index, len(self.photos))
        if epoch != self._epoch:
            self._order = np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.photos))
            self._epoch = epoch
        image = open_picture("picture", self.photos.files[self._order[place]])
        return random_crop(image, self.side, np.random.default_rng([self.seed, 1, index]), self.smallest)


def batches(crops: Crops, first: int, workers: int, pinned: bool) -> Iterator[Tensor]:
    """Batches from the `first`-th on, without end, prefetched by `workers` processes (0: made in this one)."""
    steps = _Counting(first)
    return iter(
        DataLoader(
            crops,
            batch_size=None,
            sampler=steps,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            pin_memory=pinned,
            worker_init_fn=_quiet if workers else None,
        )
    )


def _quiet(_: int) -> None:
    """A worker is one of many: its own threads would only get into each other's way. Signals that are sent to the whole
    process group (Ctrl-C, a supervisor's SIGTERM) are the run's to answer, which saves and then ends its workers."""
    torch.set_num_threads(1)
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, signal.SIG_IGN)


class _Counting:
    def __init__(self, first: int) -> None:
        self._first = first

    def __iter__(self) -> Iterator[int]:
        step = self._first
        while True:
            yield step
            step += 1
