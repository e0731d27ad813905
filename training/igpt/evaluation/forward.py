"""Nats and features of many pictures by PyTorch, on a GPU if there is one."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..model.device import Device, choose_device
from ..model.network import ImageGPT
from .pictureset import PictureSet

CHUNK = 64
"""Pictures between two writes: what an interruption loses."""
PROGRESS_SECONDS = 15
FAST = "torch"
"""The engine that is chosen for its speed: bfloat16 where the device has it. Any other name is float32."""


class Forward:
    """What a model says of pictures, without gradients."""

    def __init__(self, model: ImageGPT, device: Device) -> None:
        self._model = model.requires_grad_(False).to(device.kind)
        self._device = device

    def __call__(self, tokens: NDArray[np.uint16]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean nats a pixel of wholes and of lower halves [N, 2] and pooled features [N, layers + 1, width] of uint16 [N, T]."""
        whole = torch.from_numpy(tokens.astype(np.int64)).to(self._device.kind)
        with self._device.autocast():
            parts = [torch_measure(self._model, part) for part in whole.split(4 if self._device.kind == "cpu" else CHUNK)]
        nats, features = (torch.cat(kind).float().cpu() for kind in zip(*parts))
        lower = nats[:, nats.shape[1] // 2 :]
        return torch.stack((nats.mean(1), lower.mean(1)), 1).numpy(), features.numpy()


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
    total, _ = pictures.tokens.shape
    out = pictures.folder / engine
    out.mkdir(exist_ok=True)
    sizes = {"nll.bin": 8, "features.bin": 4 * int(np.prod(pictures.facts["features"]))}
    done = min(whole_records(out / name, size) for name, size in sizes.items())
    if done >= total:
        return
    forward = Forward(model, choose_device("auto" if engine == FAST else "cpu", "auto" if engine == FAST else "float32", threads))
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
