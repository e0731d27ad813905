"""What the memory allows: the bytes that a decoding step has to read, over the bandwidth of a copy."""

from __future__ import annotations

import torch

from ..weights import Weights
from .work import Work, timed

COPY_BYTES = {"cuda": 2**31, "cpu": 2**28}


def copy_bandwidth(device: torch.device, repeats: int) -> float:
    """Bytes a second, read and written, of a copy that fits no cache."""
    source = torch.ones(COPY_BYTES[device.type], dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * source.numel() / timed(device, lambda: target.copy_(source), repeats)


def step_bytes(weights: Weights, work: Work) -> float:
    """The mean over the steps: all weights of the layers and the head once, and each row's keys and values so far; those of a
    shared picture once."""
    shape = weights.shape
    place = 2 * shape.layers * shape.width * weights.wte.element_size()
    pictures = 1 if work.shared else work.batch
    return weights.step_bytes + place * (pictures * work.given + work.batch * (work.generate + 1) / 2)
