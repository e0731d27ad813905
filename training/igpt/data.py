"""Pictures of a labelled data set, from a folder or zip whose folders are the classes, and their tokens.

Decoding and tokenising are done once and kept in the cache directory, keyed by the source file and the palette.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from .palette import Palette

SIDE = 32
EXTENSIONS = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"}


class DataError(ValueError):
    """The data set cannot be used as it is; the message says what to change."""


@dataclass(frozen=True)
class Pictures:
    """`pixels` uint8 [N, side, side, 3], `labels` int64 [N] into `classes`, `sources` [N]: the outermost folder of each, or ""."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    sources: tuple[str, ...]


def cache_directory() -> Path:
    """`$IGPT_EDGE_CACHE`, or `~/.cache/igpt-edge`."""
    path = Path(os.environ.get("IGPT_EDGE_CACHE", Path.home() / ".cache" / "igpt-edge"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def atomic_save(path: Path, array: np.ndarray) -> None:
    """Writes an npy file that is never seen half written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        np.save(file, array)
    temporary.rename(path)


def picture_entries(source: Path) -> Iterator[tuple[str, str, bytes]]:
    """(class, name, file contents) of every picture, sorted by class and name."""
    if source.is_dir():
        names = sorted(p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file())
        read = lambda name: (source / name).read_bytes()  # noqa: E731
        yield from _select(names, read)
    elif zipfile.is_zipfile(source):
        try:
            with zipfile.ZipFile(source) as archive:
                yield from _select(sorted(archive.namelist()), archive.read)
        # An entry with a password raises the last of them.
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise DataError(f"{source}: {error}") from error
    else:
        raise DataError(f"{source} is neither a folder nor a zip file")


def _select(names, read) -> Iterator[tuple[str, str, bytes]]:
    for name in names:
        path = PurePosixPath(name)
        hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
        if path.suffix.lower() in EXTENSIONS and not hidden:
            yield path.parent.name, name, read(name)


def open_picture(name: str, contents: bytes) -> Image.Image:
    """An encoded picture upright by EXIF, on white, RGB; a DataError names the file if it is damaged."""
    try:
        with Image.open(io.BytesIO(contents)) as image:
            return _on_white(ImageOps.exif_transpose(image))
    # Pillow's decoders raise any of these for a file that is damaged.
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise DataError(f"{name} is not a picture that can be read: {error}") from error


def decode_middle(name: str, contents: bytes, side: int) -> NDArray[np.uint8]:
    """What the Worker makes of a picture too: upright by EXIF, on white, RGB, cropped to the middle square and resized to
    side x side when it is not that size already."""
    rgb = open_picture(name, contents)
    if rgb.size != (side, side):
        edge = min(rgb.size)
        left, top = (rgb.width - edge) // 2, (rgb.height - edge) // 2
        # Cropped first: a resize with a box would let pixels outside of it shine in.
        rgb = rgb.crop((left, top, left + edge, top + edge)).resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(rgb, dtype=np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    """RGB of any mode: transparent parts white, 16-bit grey brought to 8 bits."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


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


def report_damaged(damaged: list[str]) -> None:
    """Names the first ten of what was left out on standard error."""
    for text in damaged[:10]:
        print(f"Left out: {text}", file=sys.stderr)
    if len(damaged) > 10:
        print(f"Left out: {len(damaged) - 10} more like these", file=sys.stderr)


def load_files(files: list[Path], side: int = SIDE) -> Pictures:
    """Single pictures, all of one class without a name, in the given order."""
    try:
        pixels = [decode_middle(str(file), file.read_bytes(), side) for file in files]
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}") from error
    return Pictures(np.stack(pixels), np.zeros(len(files), np.int64), ("",), ("",) * len(files))


def source_key(source: Path) -> str:
    """Changes when the source's files change: names, sizes and times, not their contents."""
    files = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.is_file())
    if not files:
        raise DataError(f"{source} does not exist or is empty")
    digest = hashlib.sha256()
    for file in files:
        stat = file.stat()
        digest.update(f"{file.resolve()}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


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
