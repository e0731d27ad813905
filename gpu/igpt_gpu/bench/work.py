"""What is measured: shapes, random weights, requests, and the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ..request import Request
from ..weights import Shape, Weights, arrange

SHAPES = {
    "small": Shape(layers=8, width=256, heads=8, positions=1024, colors=512),
    "small-64": Shape(layers=8, width=256, heads=8, positions=4096, colors=512),
    "base": Shape(layers=12, width=384, heads=6, positions=1024, colors=512),
    "igpt-s": Shape(layers=24, width=512, heads=8, positions=1024, colors=512),
}


@dataclass(frozen=True)
class Work:
    """B completions of one size."""

    batch: int
    given: int
    generate: int
    shared: bool = False
    """One picture, drawn B ways; else B pictures."""


def random_weights(shape: Shape, device: torch.device, dtype: torch.dtype) -> Weights:
    """Time does not depend on what they are."""
    random = torch.Generator().manual_seed(0)
    d = shape.width

    def values(*dims: int) -> torch.Tensor:
        return torch.randn(dims, generator=random) * 0.02

    tensors = {"wte": values(shape.colors, d), "sos": values(d), "wpe": values(shape.positions, d), "head.weight": values(shape.colors, d)}
    tensors["ln_f.weight"] = torch.ones(d)
    for n in range(shape.layers):
        at = f"blocks.{n}"
        tensors |= {f"{at}.ln_1.weight": torch.ones(d), f"{at}.ln_2.weight": torch.ones(d)}
        tensors |= {f"{at}.attn.qkv.weight": values(3 * d, d), f"{at}.attn.proj.weight": values(d, d)}
        tensors |= {f"{at}.mlp.fc.weight": values(4 * d, d), f"{at}.mlp.proj.weight": values(d, 4 * d)}
    return arrange(shape, tensors, device, dtype)


def requests(work: Work, colors: int, generate: int | None = None) -> list[Request]:
    """One of B rows where a picture is shared, else B of one row. @param generate another number of pixels than the work's"""
    random = np.random.default_rng(0)
    steps = work.generate if generate is None else generate
    count, rows = (1, work.batch) if work.shared else (work.batch, 1)

    def one() -> Request:
        tokens = np.repeat(random.integers(0, colors, (1, work.given)), rows, axis=0)
        uniforms = random.random((rows, steps), np.float32)
        whole = np.zeros((rows, 1), np.int64)
        return Request(tokens, np.full((rows, steps), -1), uniforms, np.ones((rows, 1), np.float32), whole, np.ones((rows, 1), np.float32))

    return [one() for _ in range(count)]


def timed(device: torch.device, run: Callable[[], object], repeats: int) -> float:
    """Seconds: the median of several runs, after one that is not counted."""
    run()
    seconds = []
    for _ in range(repeats):
        _wait(device)
        begin = time.perf_counter()
        run()
        _wait(device)
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
