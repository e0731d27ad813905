"""Pictures of a labelled data set, from a folder or zip whose folders are the classes, and their tokens.

Decoding and tokenising are done once and kept in the cache directory, keyed by the source file and the palette.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cache import atomic_save, cache_directory
from .decode import decode_middle
from .files import EXTENSIONS, DataError, picture_entries, report_damaged, source_key
from .palette import Palette

SIDE = 32


@dataclass(frozen=True)
class Pictures:
    """`pixels` uint8 [N, side, side, 3], `labels` int64 [N] into `classes`, `sources` [N]: the outermost folder of each, or ""."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    sources: tuple[str, ...]


def load_pictures(source: Path, side: int = SIDE) -> Pictures:
    """Decodes a folder or zip; the class of a picture is the name of the folder that it is in. A damaged file is named on
    standard error and left out."""
    classes: list[str] = []
    labels: list[int] = []
    pixels: list[NDArray[np.uint8]] = []
    sources: list[str] = []
    index: dict[str, int] = {}
    damaged: list[str] = []
    for label, name, contents in picture_entries(source):
        try:
            picture = decode_middle(name, contents, side)
        except DataError as error:
            damaged.append(str(error))
            continue
        if label not in index:
            index[label] = len(classes)
            classes.append(label)
        labels.append(index[label])
        pixels.append(picture)
        sources.append(name.split("/")[0] if "/" in name else "")
    if not pixels:
        reason = damaged[0] if damaged else ", ".join(sorted(EXTENSIONS))
        raise DataError(f"{source} holds no pictures ({reason})")
    report_damaged(damaged)
    return Pictures(np.stack(pixels), np.asarray(labels, dtype=np.int64), tuple(classes), tuple(sources))


def load_files(files: list[Path], side: int = SIDE) -> Pictures:
    """Single pictures, all of one class without a name, in the given order."""
    try:
        pixels = [decode_middle(str(file), file.read_bytes(), side) for file in files]
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}") from error
    return Pictures(np.stack(pixels), np.zeros(len(files), np.int64), ("",), ("",) * len(files))


def cached_pictures(source: Path, side: int = SIDE) -> Pictures:
    """`load_pictures`, decoded only the first time."""
    path = cache_directory() / f"labelled-{side}-{source_key(source)}.npz"
    if not path.exists():
        pictures = load_pictures(source, side)
        temporary = path.with_name(f".{os.getpid()}.{path.name}")
        with temporary.open("wb") as file:
            names = {"classes": np.asarray(pictures.classes), "sources": np.asarray(pictures.sources)}
            np.savez(file, pixels=pictures.pixels, labels=pictures.labels, **names)
        temporary.rename(path)
    with np.load(path) as stored:
        classes, sources = (tuple(str(name) for name in stored[kind]) for kind in ("classes", "sources"))
        return Pictures(stored["pixels"], stored["labels"], classes, sources)


def cached_tokens(source: Path, palette: Palette, side: int = SIDE) -> NDArray[np.uint16]:
    """Palette indices of every picture, uint16 [N, side * side] in raster order, in the order of `load_pictures`."""
    path = cache_directory() / f"tokens-{side}-{source_key(source)}-{palette.digest()[:16]}.npy"
    if not path.exists():
        pixels = cached_pictures(source, side).pixels
        atomic_save(path, palette.encode(pixels).reshape(len(pixels), side * side))
    return np.load(path)
