"""Checkpoints: one file with all that a run needs to go on, and what the exporter needs to publish it.

Keys: `config` (dict of `network.Config`), `model` (state dict; earlier checkpoints have an average, `ema`, which is preferred),
`palette` (uint8 [colors, 3]), `images` (pictures seen), `step`, `seconds` (of training, what came before the run included),
`run` (steps and seconds of this run), `optimisers`, `options`, `base` (what the run started from).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from ..data.cache import cache_directory
from ..data.palette import Palette
from .network import Config, ImageGPT

NAME = "checkpoint.pt"


def run_directory(name: str) -> Path:
    """Where a run keeps its files: outside the clone, so that it outlives one."""
    return cache_directory() / "runs" / name


def save_checkpoint(path: Path, contents: dict) -> None:
    """Writes beside the target and renames, so that a reader or a crash never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    torch.save(contents, temporary)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.rename(path)


def load_checkpoint(path: Path) -> dict:
    """Reads a checkpoint without running any code in it."""
    if not path.exists():
        raise FileNotFoundError(f"there is no checkpoint {path}; start the run first")
    return torch.load(path, map_location="cpu", weights_only=True)


def load_model(path: Path) -> tuple[ImageGPT, Palette]:
    """The model of a checkpoint in float32, ready for inference."""
    contents = load_checkpoint(path)
    model = ImageGPT(Config(**contents["config"]))
    weights = contents["ema"] if "ema" in contents else contents["model"]
    model.load_state_dict({name: value.float() for name, value in weights.items()})
    model.eval()
    return model, Palette(contents["palette"].numpy().astype(np.uint8))
