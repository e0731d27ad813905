"""Photographs to train on and to hold out, none much larger than crops need."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from PIL import Image

from .cache import cache_directory
from .decode import open_picture
from .files import DataError, picture_entries, report_damaged, source_key

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
