"""Loss and gradients of a batch: by the native kernels where they run, by PyTorch everywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .model import ImageGPT
from .native import NativeStep, Unavailable
from .native.attention import use_fast_attention

Step = Callable[[Tensor], tuple[float, bool]]


def mean_loss(model: ImageGPT, tokens: Tensor) -> Tensor:
    """Mean nats per pixel of int64 [B, T]."""
    return F.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten())


class TorchStep:
    """`micro` pictures at a time, compiled on request; weights and gradients are float32, with `bfloat16` the products of
    activations are not, and attention is the native one where that runs."""

    def __init__(self, model: ImageGPT, micro: int, compiled: bool, bfloat16: bool = False) -> None:
        self.model = model
        self.micro = micro
        self.bfloat16 = bfloat16
        self.loss = torch.compile(mean_loss) if compiled else mean_loss
        if bfloat16:
            use_fast_attention(model)

    def __call__(self, tokens: Tensor) -> tuple[float, bool]:
        """Mean loss of int64 [B, T], with the gradients in the parameters' `grad`, and whether it is finite."""
        self.model.zero_grad()
        total = 0.0
        for part in tokens.split(self.micro):
            with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
                loss = self.loss(self.model, part) * (len(part) / len(tokens))
            loss.backward()
            total += loss.item()
        return total, total - total == 0


def bfloat16_pays() -> bool:
    """Whether products in bfloat16 are clearly faster than in float32 here: four times as fast on a Zen 5, slower on an
    Intel server without AMX, and no flag of the processor tells."""

    def seconds(kind: torch.dtype) -> float:
        left, right = torch.ones(4096, 256, dtype=kind), torch.ones(256, 1024, dtype=kind)
        times = []
        for _ in range(5):
            started = time.perf_counter()
            torch.mm(left, right)
            times.append(time.perf_counter() - started)
        return min(times)

    return seconds(torch.bfloat16) < 0.8 * seconds(torch.float32)


def make_step(kind: str, model: ImageGPT, length: int, threads: int, micro: int) -> Step:
    """`native`, `bfloat16`, `compiled` or `eager` (both float32); `auto` is native where that runs, elsewhere the faster of
    bfloat16 and compiled."""
    if kind in ("auto", "native"):
        try:
            return NativeStep(model, length, threads)
        except Unavailable as reason:
            if kind == "native":
                raise
            kind = "bfloat16" if bfloat16_pays() else "compiled"
            print(f"PyTorch computes the step ({kind}): {reason}", flush=True)
    if kind not in ("bfloat16", "compiled", "eager"):
        raise ValueError(f"unknown step {kind!r}: auto, native, bfloat16, compiled or eager")
    return TorchStep(model, micro, kind != "eager", kind == "bfloat16")
