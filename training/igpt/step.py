"""Loss and gradients of a batch: by the native kernels where they run, by PyTorch everywhere else."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .model import ImageGPT
from .native import NativeStep, Unavailable

Step = Callable[[Tensor], tuple[float, bool]]


def mean_loss(model: ImageGPT, tokens: Tensor) -> Tensor:
    """Mean nats per pixel of int64 [B, T]."""
    return F.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten())


class TorchStep:
    """float32, `micro` pictures at a time, compiled on request."""

    def __init__(self, model: ImageGPT, micro: int, compiled: bool) -> None:
        self.model = model
        self.micro = micro
        self.loss = torch.compile(mean_loss) if compiled else mean_loss

    def __call__(self, tokens: Tensor) -> tuple[float, bool]:
        """Mean loss of int64 [B, T], with the gradients in the parameters' `grad`, and whether it is finite."""
        self.model.zero_grad()
        total = 0.0
        for part in tokens.split(self.micro):
            loss = self.loss(self.model, part) * (len(part) / len(tokens))
            loss.backward()
            total += loss.item()
        return total, total - total == 0


def make_step(kind: str, model: ImageGPT, length: int, threads: int, micro: int) -> Step:
    """`native`, `compiled` or `eager`; `auto` is native where that runs and compiled elsewhere."""
    if kind in ("auto", "native"):
        try:
            return NativeStep(model, length, threads)
        except Unavailable as reason:
            if kind == "native":
                raise
            print(f"PyTorch computes the step: {reason}", flush=True)
    if kind not in ("auto", "compiled", "eager"):
        raise ValueError(f"unknown step {kind!r}: auto, native, compiled or eager")
    return TorchStep(model, micro, kind != "eager")
