"""Linear weights of 4 bits: rounded in groups of neighbours along the inputs, each group with a scale (and an offset) of its own, and run in float: only the rounding is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from ..model.nats import torch_nats
from ..model.network import ImageGPT

SCALE_BITS = 16
# Factors by which a group's range is narrowed, to try: clipping one outlier can make the grid finer for all others.
NARROWED = np.linspace(1.0, 0.6, 21)


def round_symmetric(weight: NDArray[np.float32], group: int) -> NDArray[np.float32]:
    """float32 [out, in] -> the nearest `q * scale`, q in -8 .. 7, a scale for each `group` inputs of an output. The
    scale may be negative, so that -8 lies on the side of the largest. Of several scales the one with the least squared
    error is taken; scales are float16."""
    grouped = _groups(weight, group)
    largest = np.take_along_axis(grouped, np.abs(grouped).argmax(-1, keepdims=True), -1)
    return _best(grouped, (_on_grid(grouped, largest * narrowed / -8, 0.0, -8, 7) for narrowed in NARROWED)).reshape(weight.shape)


def round_offset(weight: NDArray[np.float32], group: int) -> NDArray[np.float32]:
    """The same with `offset + q * scale`, q in 0 .. 15: two numbers a group, and no value wasted on a lopsided one."""
    grouped = _groups(weight, group)
    low, high = grouped.min(-1, keepdims=True), grouped.max(-1, keepdims=True)
    middle, half = (low + high) / 2, (high - low) / 2
    tries = (_on_grid(grouped, 2 * half * n / 15, middle - half * n, 0, 15) for n in NARROWED)
    return _best(grouped, tries).reshape(weight.shape)


def _groups(weight: NDArray[np.float32], group: int) -> NDArray[np.float32]:
    if weight.ndim != 2 or weight.shape[1] % group:
        raise ValueError(f"{weight.shape} has no whole groups of {group} inputs")
    return weight.reshape(len(weight), -1, group)


def _on_grid(
    grouped: NDArray[np.float32], scale: NDArray[np.float32], offset: NDArray[np.float32] | float, low: int, high: int
) -> NDArray[np.float32]:
    scale = np.where(scale == 0, 1, scale).astype(np.float16).astype(np.float32)
    scale = np.where(scale == 0, 1, scale)
    offset = np.asarray(offset, np.float16).astype(np.float32)
    return np.clip(np.rint((grouped - offset) / scale), low, high) * scale + offset


def _best(grouped: NDArray[np.float32], tries: Iterator[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Group by group the try with the least squared error, the first of equals."""
    best = next(tries)
    error = np.square(best - grouped).sum(-1, keepdims=True)
    for other in tries:
        its_error = np.square(other - grouped).sum(-1, keepdims=True)
        best, error = np.where(its_error < error, other, best), np.minimum(error, its_error)
    return best


def rounded(model: ImageGPT, round_weight: Callable[[NDArray[np.float32]], NDArray[np.float32]], kept: tuple[str, ...]) -> ImageGPT:
    """A copy whose linear weights are rounded, but for those with one of `kept` in their names."""
    copy = ImageGPT(model.config)
    state = model.state_dict()
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2 and name.endswith(".weight") and not any(part in name for part in kept):
            state[name] = torch.from_numpy(round_weight(parameter.detach().numpy()))
    copy.load_state_dict(state)
    return copy.eval()


def picture_nats(model: ImageGPT, tokens: NDArray[np.integer], batch: int = 4) -> NDArray[np.float64]:
    """Mean nats per pixel of each picture [N]."""
    nats = torch_nats(model)
    parts = [nats(tokens[i : i + batch].astype(np.int64)).mean(axis=1) for i in range(0, len(tokens), batch)]
    return np.concatenate(parts).astype(np.float64)


VARIANTS: tuple[tuple[str, Callable, int, tuple[str, ...]], ...] = (
    ("symmetric, groups of 32", round_symmetric, 32, ()),
    ("symmetric, groups of 16", round_symmetric, 16, ()),
    ("offset, groups of 32", round_offset, 32, ()),
    ("offset, groups of 16", round_offset, 16, ()),
    ("symmetric, groups of 32, all but head", round_symmetric, 32, ("head",)),
    ("symmetric, groups of 32, all but qkv", round_symmetric, 32, ("attn.qkv",)),
    ("symmetric, groups of 32, the mlp alone", round_symmetric, 32, ("head", "attn")),
    ("offset, groups of 16, the mlp alone", round_offset, 16, ("head", "attn")),
)


def bits(round_weight: Callable, group: int) -> float:
    """Bits of storage a weight."""
    return 4 + SCALE_BITS * (2 if round_weight is round_offset else 1) / group
