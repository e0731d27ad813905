"""The training step in C++ with AVX512-FP16, built on first use; about 2.5 times as fast as compiled PyTorch."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
from pathlib import Path

import torch
from torch import Tensor

from ..data import cache_directory
from ..model import ImageGPT

_SOURCES = Path(__file__).parent
_FLAGS = (
    # The last two silence GCC 12's own intrinsics headers.
    "-std=c++17 -O3 -march=native -fno-math-errno -shared -fPIC -Wall -Wextra -Wno-maybe-uninitialized -Wno-uninitialized"
).split()


class Unavailable(RuntimeError):
    """Native code cannot run here; the message says why."""


def _processor_has(feature: str) -> bool:
    try:
        return feature in Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return False


def compile_source(name: str, feature: str, *flags: str) -> Path:
    """Compiles `name`.cpp for a processor with `feature`, once for each version of the sources and each machine."""
    if not _processor_has(feature):
        raise Unavailable(f"this processor has no {feature}")
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        raise Unavailable("no C++ compiler was found; install g++ 12 or newer, or set CXX")
    digest = hashlib.sha256(" ".join((compiler, platform.node(), *_FLAGS, *flags)).encode())
    for source in sorted(_SOURCES.glob("*.[ch]*")):
        digest.update(source.read_bytes())
    library = cache_directory() / f"{name}-{digest.hexdigest()[:16]}.so"
    if not library.exists():
        temporary = library.with_name(f".{os.getpid()}-{library.name}")
        command = [compiler, *_FLAGS, *flags, str(_SOURCES / f"{name}.cpp"), "-o", str(temporary)]
        built = subprocess.run(command, capture_output=True, text=True)
        if built.returncode != 0:
            raise Unavailable(f"{compiler} failed:\n{built.stderr[-2000:]}")
        temporary.rename(library)
    return library


def build() -> Path:
    """The step's library."""
    return compile_source("step", "avx512_fp16", "-pthread")


def _load(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    pointer, whole = ctypes.c_void_p, ctypes.c_int
    library.igpt_create.restype = pointer
    library.igpt_create.argtypes = [whole] * 7
    library.igpt_destroy.restype = None
    library.igpt_destroy.argtypes = [pointer]
    library.igpt_parameters.restype = ctypes.c_long
    library.igpt_parameters.argtypes = [pointer]
    library.igpt_run.restype = ctypes.c_double
    library.igpt_run.argtypes = [pointer, pointer, pointer, whole, ctypes.c_float, pointer, pointer, pointer]
    return library


class NativeStep:
    """Loss and gradients of a model, whose parameters and gradients it moves into one flat float32 tensor each.

    Gradients pass through half precision multiplied by `scale`, which halves when one overflows; that batch's gradients
    are then not finite, and the caller has to leave it out.
    """

    def __init__(self, model: ImageGPT, length: int, threads: int, scale: float = 32.0) -> None:
        config = model.config
        if config.bias:
            raise Unavailable("the native step knows no biases")
        self._library = _load(build())
        self._handle = self._library.igpt_create(
            config.layers, config.width, config.heads, config.positions, config.colors, length, threads
        )
        if not self._handle:
            raise Unavailable(
                f"the native step needs widths, colours and lengths in multiples of 64 and heads of 32 or 64, not {config}"
            )
        self.scale = scale
        self._length = length
        self._features = (config.layers + 1, config.width)
        parameters = list(model.parameters())
        self.weights = torch.cat([p.detach().flatten() for p in parameters])
        if len(self.weights) != self._library.igpt_parameters(self._handle):
            raise Unavailable("the model's parameters are not those that the native step expects")
        self.gradients = torch.zeros_like(self.weights)
        start = 0
        for p in parameters:
            end = start + p.numel()
            p.data = self.weights[start:end].view(p.shape)
            p.grad = self.gradients[start:end].view(p.shape)
            start = end

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.igpt_destroy(self._handle)

    def _run(self, tokens: Tensor, scale: float, nats: Tensor | None, features: Tensor | None = None) -> float:
        tokens = tokens.to(torch.int64).contiguous()
        if tokens.shape[1] != self._length:
            raise ValueError(f"pictures of {tokens.shape[1]} tokens, but the step was made for {self._length}")
        total = self._library.igpt_run(
            self._handle,
            self.weights.data_ptr(),
            tokens.data_ptr(),
            len(tokens),
            scale,
            self.gradients.data_ptr(),
            None if nats is None else nats.data_ptr(),
            None if features is None else features.data_ptr(),
        )
        return total / tokens.numel()

    def __call__(self, tokens: Tensor) -> tuple[float, bool]:
        """Mean loss of int64 [B, T], with the gradients in the parameters' `grad`, and whether these are finite."""
        loss = self._run(tokens, self.scale, None)
        finite = bool(torch.isfinite(self.gradients.sum()))
        if not finite:
            self.scale /= 2
        return loss, finite

    def nats(self, tokens: Tensor) -> Tensor:
        """Nats of every pixel, int64 [B, T] -> float32 [B, T], in the step's half precision."""
        out = torch.empty(tokens.shape, dtype=torch.float32)
        self._run(tokens, 0.0, out)
        return out

    def measure(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """`nats` and the pooled features of every layer, float32 [B, layers + 1, width]: the means over the positions of
        the normed states, as `igpt.onnx` has them."""
        nats = torch.empty(tokens.shape, dtype=torch.float32)
        features = torch.empty((len(tokens), *self._features), dtype=torch.float32)
        self._run(tokens, 0.0, nats, features)
        return nats, features
