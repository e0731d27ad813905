"""Nats and features of many pictures: by the native step where it runs, by PyTorch everywhere else."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..model import ImageGPT
from ..native import NativeStep, Unavailable
from ..native.attention import use_fast_attention
from ..runtime import configure
from ..step import bfloat16_pays
from .pictureset import PictureSet

CHUNK = 64
"""Pictures between two writes: what an interruption loses."""
PROGRESS_SECONDS = 15
NATIVE = "native"
"""The engine that is chosen for its speed."""


class Forward:
    """What a model says of pictures, without gradients: by the native step in float16 where that runs, else by PyTorch, in
    bfloat16 where its 8 bits will do (`rough`) and it is the faster here, else in float32. `precision` says which."""

    def __init__(self, model: ImageGPT, length: int, threads: int, rough: bool = False) -> None:
        self._model = model.requires_grad_(False)
        try:
            self._native: NativeStep | None = NativeStep(model, length, threads)
            self.precision = "float16"
        except Unavailable as reason:
            self._native = None
            self.precision = "bfloat16" if rough and bfloat16_pays() else "float32"
            print(f"PyTorch computes the features ({self.precision}): {reason}", flush=True)
            if self.precision == "bfloat16":
                use_fast_attention(model)

    def __call__(self, tokens: NDArray[np.uint16]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean nats a pixel [N] and pooled features [N, layers + 1, width] of uint16 [N, T]."""
        whole = torch.from_numpy(tokens.astype(np.int64))
        if self._native is not None:
            nats, features = self._native.measure(whole)
            return nats.double().mean(1).float().numpy(), features.numpy()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bfloat16"):
            parts = [torch_measure(self._model, part) for part in whole.split(4)]
        nats, features = (torch.cat(kind) for kind in zip(*parts))
        return nats.mean(1).numpy(), features.numpy()


@torch.no_grad()
def torch_measure(model: ImageGPT, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Nats of every pixel [B, T] and the means over the positions of the normed states [B, layers + 1, width]."""
    states = model.hidden_states(tokens)
    norms = [*(block.ln_1 for block in model.blocks), model.ln_f]
    normed = [norm(state) for norm, state in zip(norms, states, strict=True)]
    nats = torch.nn.functional.cross_entropy(model.head(normed[-1]).flatten(0, 1), tokens.flatten(), reduction="none")
    return nats.view(tokens.shape), torch.stack([state.mean(1) for state in normed], dim=1)


def run_set(pictures: PictureSet, engine: str, model: ImageGPT, threads: int) -> None:
    """Writes `nll.bin` and `features.bin` into the set's folder `engine`, going on where an earlier call ended."""
    configure(threads)
    total, length = pictures.tokens.shape
    out = pictures.folder / engine
    out.mkdir(exist_ok=True)
    sizes = {"nll.bin": 4, "features.bin": 4 * int(np.prod(pictures.facts["features"]))}
    done = min(whole_records(out / name, size) for name, size in sizes.items())
    if done >= total:
        return
    forward = Forward(model, length, threads, rough=engine == NATIVE)
    files = {name: open_at(out / name, done * size) for name, size in sizes.items()}
    started = told = time.monotonic()
    first = done
    while done < total:
        nll, features = forward(pictures.tokens[done : done + CHUNK])
        for name, values in {"nll.bin": nll, "features.bin": features}.items():
            files[name].write(np.ascontiguousarray(values, np.float32).tobytes())
            files[name].flush()
        done += len(nll)
        now = time.monotonic()
        if now - told > PROGRESS_SECONDS or done >= total:
            speed = (done - first) / (now - started)
            left = (total - done) / speed / 60
            print(f"{pictures.folder.name}: {done} of {total} pictures, {speed:.1f} a second, {left:.0f} min left", flush=True)
            told = now
    for file in files.values():
        file.close()


def whole_records(path: Path, size: int) -> int:
    """How many records of `size` bytes a file holds in full."""
    return path.stat().st_size // size if path.exists() else 0


def open_at(path: Path, offset: int):
    """Opens a file for writing at `offset`, whatever came after it cut off."""
    path.touch()
    file = path.open("r+b")
    file.truncate(offset)
    file.seek(offset)
    return file
