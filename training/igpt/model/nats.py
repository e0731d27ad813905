"""Nats per pixel by PyTorch's forward pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from .device import CPU, Device
from .network import ImageGPT

Nats = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Tokens [B, positions] -> nats of each [B, positions]."""


@torch.no_grad()
def pixel_nats(model: ImageGPT, tokens: NDArray[np.uint16], batch: int = 4, device: Device = CPU) -> NDArray[np.float64]:
    """Nats of every pixel, uint16 [N, T] -> [N, T], in the device's precision; the model is there already."""
    out = np.empty(tokens.shape)
    for start in range(0, len(tokens), batch):
        part = torch.from_numpy(tokens[start : start + batch].astype(np.int64)).to(device.kind)
        with device.autocast():
            logits = model(part)
        nats = F.cross_entropy(logits.float().flatten(0, 1), part.flatten(), reduction="none")
        out[start : start + batch] = nats.view(part.shape).cpu().numpy()
    return out


def heldout_loss(model: ImageGPT, tokens: NDArray[np.uint16], batch: int = 4) -> tuple[float, float]:
    """Mean nats per pixel over all positions, and without the first one, of uint16 [N, T]."""
    nats = pixel_nats(model, tokens, batch).mean(0)
    return float(nats.mean()), float(nats[1:].mean())


def torch_nats(model: ImageGPT) -> Nats:
    """The nats of PyTorch's forward pass."""

    @torch.no_grad()
    def run(tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        given = torch.from_numpy(tokens)
        logits = model(given).float()
        picked = torch.log_softmax(logits, -1).gather(2, given[..., None])
        return -picked[..., 0].numpy()

    return run


def mean_nats(nats: Nats, tokens: NDArray[np.integer], batch: int = 4) -> float:
    """Mean nats per pixel over pictures [N, positions], every pixel counted."""
    parts = [nats(tokens[i : i + batch].astype(np.int64)).mean(axis=1) for i in range(0, len(tokens), batch)]
    return float(np.concatenate(parts).mean(dtype=np.float64))
