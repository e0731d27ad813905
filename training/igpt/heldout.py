"""Nats per pixel on held-out pictures, beside what models of single colours and of pairs reach."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from .device import CPU, Device
from .model import ImageGPT


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


def unigram_loss(train: NDArray[np.uint16], test: NDArray[np.uint16], colors: int) -> float:
    """Nats per pixel of the colours' frequencies in `train`, one added to each count."""
    counts = np.bincount(train.ravel(), minlength=colors) + 1.0
    return float(-np.log(counts / counts.sum())[test].mean())


def previous_pixel_loss(train: NDArray[np.uint16], test: NDArray[np.uint16], colors: int) -> float:
    """Nats per pixel, first one left out, of a colour given the one before it: counts in `train`, mixed with the
    colours' frequencies, which weigh as much as ten sightings."""
    pairs = train[:, :-1].astype(np.int64) * colors + train[:, 1:]
    counts = np.bincount(pairs.ravel(), minlength=colors * colors).reshape(colors, colors).astype(np.float64)
    single = np.bincount(train.ravel(), minlength=colors) + 1.0
    single /= single.sum()
    table = (counts + 10 * single) / (counts.sum(1, keepdims=True) + 10)
    return float(-np.log(table[test[:, :-1], test[:, 1:]]).mean())


def subset(tokens: NDArray[np.uint16], count: int) -> NDArray[np.uint16]:
    """`count` pictures spread evenly over all, and so over the classes."""
    return tokens[np.linspace(0, len(tokens) - 1, min(count, len(tokens))).astype(int)]
