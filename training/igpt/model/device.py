"""Where training runs: CUDA, Apple's MPS or the CPU, and what each is good at."""

from __future__ import annotations

import ctypes
import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

# glibc's <malloc.h>.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


@dataclass(frozen=True)
class Device:
    """`kind` is cuda, mps or cpu; `bfloat16` says whether products are computed in bfloat16 (weights stay float32)."""

    kind: str
    name: str
    bfloat16: bool

    def autocast(self) -> AbstractContextManager:
        return torch.autocast(self.kind, torch.bfloat16) if self.bfloat16 else nullcontext()

    def wait(self) -> None:
        """Returns once all that was asked of the device is done: a GPU runs behind the program."""
        if self.kind == "cuda":
            torch.cuda.synchronize()
        elif self.kind == "mps":
            torch.mps.synchronize()

    def __str__(self) -> str:
        return f"{self.name} ({self.kind}, {'bfloat16' if self.bfloat16 else 'float32'})"


CPU = Device("cpu", "processor", False)
"""Float32 on the processor: the reference."""


def choose_device(wanted: str = "auto", precision: str = "auto", threads: int | None = None) -> Device:
    """The GPU if there is one, else the CPU; `wanted` forces cuda, mps or cpu and raises ValueError where it is missing.
    `precision` is auto, bfloat16 or float32. Sets PyTorch up for the choice."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted != "auto" and not present.get(wanted):
        raise ValueError(f"there is no {wanted} device here; use one of {', '.join(k for k, here in present.items() if here)}")
    kind = next(k for k, here in present.items() if here) if wanted == "auto" else wanted
    if kind == "cpu":
        _set_up_cpu(threads or torch.get_num_threads())
    # Palette indices are chosen in float32 from whole numbers below 2^11, which TF32 holds exactly.
    torch.set_float32_matmul_precision("high")
    bfloat16 = _has_bfloat16(kind) if precision == "auto" else precision == "bfloat16"
    return Device(kind, _name(kind), bfloat16)


def _has_bfloat16(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if kind == "mps":
        try:
            torch.ones(1, dtype=torch.bfloat16, device="mps").add_(1)
        except (RuntimeError, TypeError):
            return False
        return True
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _name(kind: str) -> str:
    if kind == "cuda":
        return torch.cuda.get_device_name()
    return "Apple GPU" if kind == "mps" else f"{torch.get_num_threads()} threads"


def _set_up_cpu(threads: int) -> None:
    """Sets the threads, flushes denormals, and keeps freed memory: activations of tens of megabytes are otherwise mapped,
    zeroed page by page and unmapped at every use, which costs a quarter of the step."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 2**28)
