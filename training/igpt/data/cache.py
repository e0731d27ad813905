"""What is computed once and kept outside the clone: decoded pictures, tokens, runs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np


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
