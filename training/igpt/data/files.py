"""Encoded pictures in a folder or zip, whose folders are the classes."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

EXTENSIONS = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"}


class DataError(ValueError):
    """The data set cannot be used as it is; the message says what to change."""


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


def report_damaged(damaged: list[str]) -> None:
    """Names the first ten of what was left out on standard error."""
    for text in damaged[:10]:
        print(f"Left out: {text}", file=sys.stderr)
    if len(damaged) > 10:
        print(f"Left out: {len(damaged) - 10} more like these", file=sys.stderr)
