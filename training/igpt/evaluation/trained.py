"""The pictures that a model was trained on, as training saw them, to hold samples against.

A folder of `tokens.npy`, uint16 [N, T], and `trained.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.crops import random_crop
from ..data.decode import middle, open_picture
from ..data.palette import Palette
from ..data.photos import load_photos

FACTS = "trained.json"
CHUNK = 4096


@dataclass(frozen=True)
class Trained:
    """`tokens` of `pictures` pictures: the middle square of each, and `crops` random crops of each that is larger than the model's."""

    tokens: NDArray[np.uint16]
    pictures: int
    crops: int

    @staticmethod
    def read(folder: Path) -> Trained:
        facts = json.loads((folder / FACTS).read_text())
        return Trained(np.load(folder / "tokens.npy", mmap_mode="r"), facts["pictures"], facts["crops"])

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "tokens.npy", self.tokens)
        (folder / FACTS).write_text(json.dumps({"pictures": self.pictures, "crops": self.crops}))


def read_trained(sources: list[Path], palette: Palette, side: int, crops: int) -> Trained:
    """Decodes folders and zips. The crops are drawn as the trainer draws them, the same each time."""
    photos = load_photos(sources, side)
    parts: list[NDArray[np.uint16]] = []
    waiting: list[NDArray[np.uint8]] = []
    for index, contents in enumerate(photos.files):
        waiting.extend(_views(contents, side, crops, index))
        if len(waiting) >= CHUNK or index + 1 == len(photos):
            parts.append(palette.encode(np.stack(waiting)).reshape(len(waiting), -1))
            waiting.clear()
            print(f"trained: {index + 1:,} of {len(photos):,} pictures", flush=True)
    return Trained(np.concatenate(parts), len(photos), crops)


def _views(contents: bytes, side: int, crops: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    image = open_picture("picture", contents)
    yield middle(image, side)
    if image.size == (side, side):
        return
    random = np.random.default_rng(seed)
    for _ in range(crops):
        yield random_crop(image, side, random)
