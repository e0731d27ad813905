"""Batches of random crops of photographs, made by worker processes while the device computes.

A crop is a random square of a picture, scaled to side x side with a filter drawn at random and mirrored half of the time,
so that a picture is a new clean one each time it comes. What the n-th batch holds depends on the seed and n alone.
"""

from __future__ import annotations

import hashlib
import io
import os
import signal
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..data import DataError, cache_directory, open_picture, picture_entries, report_damaged, source_key

FILTERS = (Image.Resampling.BOX, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
LARGEST = 6
"""Pictures whose short side is more than so many times the model's are reduced once, to `KEPT` times it: decoding twelve
megapixels for each crop would keep the device waiting."""
KEPT = 4
AT_ONCE = 4096
"""Pictures handed to the workers that reduce them before their results are waited for."""


@dataclass(frozen=True)
class Photos:
    """Encoded pictures, none much larger than crops need: those to train on and those held out, by name."""

    files: list[bytes]
    held_out: dict[str, bytes]
    sources: dict[str, int] = field(default_factory=dict)
    """How many pictures each source has, by its name."""

    def __len__(self) -> int:
        return len(self.files)


def load_photos(sources: list[Path], side: int, hold_out: int = 0) -> Photos:
    """All pictures of folders and zips, in the order of `sources` and of their names; about one of `hold_out` is held out,
    chosen by a hash of its name, so that it stays so when others come or go. Large pictures are reduced once and kept in the
    cache directory; a damaged one is named on standard error and left out."""
    by_source = {source.stem: _of_source(source, side) for source in sources}
    pictures = {f"{source}/{name}": contents for source, entries in by_source.items() for name, contents in entries}
    held = _held_out(pictures, hold_out) if hold_out else set()
    files = [contents for name, contents in pictures.items() if name not in held]
    if not files:
        raise DataError(f"{len(pictures)} picture is too few: one must be left over for tests")
    counts = {source: len(entries) for source, entries in by_source.items()}
    return Photos(files, {name: pictures[name] for name in sorted(held)}, counts)


def _held_out(names: Iterable[str], one_of: int) -> set[str]:
    """At least one."""
    numbers = {name: int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") for name in names}
    return {name for name, number in numbers.items() if number % one_of == 0} or {min(numbers, key=numbers.__getitem__)}


def _of_source(source: Path, side: int) -> list[tuple[str, bytes]]:
    kept = cache_directory() / f"photos-{side}-{source_key(source)}.zip"
    if not kept.exists():
        _reduce_all(source, side, kept)
    with zipfile.ZipFile(kept) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def _reduce_all(source: Path, side: int, out: Path) -> None:
    temporary = out.with_name(f".{os.getpid()}-{out.name}")
    damaged: list[str] = []
    count = 0
    with zipfile.ZipFile(temporary, "w") as archive, ProcessPoolExecutor() as workers:
        entries = ((name, contents) for _, name, contents in picture_entries(source))
        for batch in _chunks(entries, AT_ONCE):
            for (name, _), reduced in zip(batch, workers.map(partial(_reduce, side), batch, chunksize=16), strict=True):
                if isinstance(reduced, str):
                    damaged.append(reduced)
                else:
                    archive.writestr(name, reduced)
                    count += 1
    report_damaged(damaged)
    if count == 0:
        temporary.unlink()
        raise DataError(f"{source} holds no pictures that can be read{': ' + damaged[0] if damaged else ''}")
    temporary.rename(out)


def _chunks(items: Iterator, size: int) -> Iterator[list]:
    while part := list(islice(items, size)):
        yield part


def _reduce(side: int, entry: tuple[str, bytes]) -> bytes | str:
    """The file as it is if it is small and can be read, else a smaller one; what is wrong with it, as text."""
    name, contents = entry
    try:
        rgb = open_picture(name, contents)
    except DataError as error:
        return str(error)
    edge = min(rgb.size)
    if edge <= LARGEST * side:
        return contents
    scale = KEPT * side / edge
    rgb = rgb.resize((round(rgb.width * scale), round(rgb.height * scale)), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    rgb.save(out, "PNG", compress_level=1)
    return out.getvalue()


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


def nearest_colors(pixels: Tensor, palette: Tensor) -> Tensor:
    """Tokens of uint8 [B, side, side, 3], int64 [B, side * side], on the palette's device: `Palette.encode` for a GPU.
    `palette` is float32 [colors, 3]. Exact: the distances are whole numbers below 2^24; the lower index wins a tie."""
    flat = pixels.reshape(-1, 3).to(palette.device, torch.float32, non_blocking=True)
    distances = torch.addmm(palette.square().sum(1), flat, palette.T, alpha=-2)
    return distances.argmin(1).view(len(pixels), -1)
