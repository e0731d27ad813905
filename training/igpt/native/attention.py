"""Causal attention in bfloat16 by C++ with AVX512-BF16, built on first use, as an operator of PyTorch."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from .. import model
from . import Unavailable, compile_source


@cache
def _library() -> ctypes.CDLL:
    # PyTorch has loaded its own OpenMP for all to see, so that this uses the same threads.
    library = ctypes.CDLL(str(compile_source("causal_attention", "avx512_bf16", "-fopenmp")))
    pointer, whole = ctypes.c_void_p, ctypes.c_int
    library.igpt_attention_forward.restype = None
    library.igpt_attention_forward.argtypes = [pointer, *[whole] * 4, pointer, pointer, whole]
    library.igpt_attention_backward.restype = None
    library.igpt_attention_backward.argtypes = [*[pointer] * 4, *[whole] * 4, pointer, whole]
    return library


@torch.library.custom_op("igpt::causal_attention", mutates_args=())
def _forward(qkv: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """bfloat16 [B, T, 3D] -> [B, T, D], and float32 [B, heads, T], which the way back needs."""
    batch, length, width = qkv.shape
    qkv = qkv.contiguous()
    out, logs = _forward_shapes(qkv, heads)
    _library().igpt_attention_forward(
        qkv.data_ptr(), batch, length, heads, width // 3 // heads, out.data_ptr(), logs.data_ptr(), torch.get_num_threads()
    )
    return out, logs


@_forward.register_fake
def _forward_shapes(qkv: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    batch, length, width = qkv.shape
    return qkv.new_empty(batch, length, width // 3), qkv.new_empty(batch, heads, length, dtype=torch.float32)


@torch.library.custom_op("igpt::causal_attention_backward", mutates_args=())
def _backward(qkv: Tensor, out: Tensor, logs: Tensor, gradient: Tensor, heads: int) -> Tensor:
    """The gradient of qkv from that of out."""
    batch, length, width = qkv.shape
    qkv, gradient = qkv.contiguous(), gradient.contiguous()
    result = torch.empty_like(qkv)
    _library().igpt_attention_backward(
        qkv.data_ptr(), out.data_ptr(), logs.data_ptr(), gradient.data_ptr(), batch, length, heads, width // 3 // heads,
        result.data_ptr(), torch.get_num_threads(),
    )  # fmt: skip
    return result


@_backward.register_fake
def _backward_shape(qkv: Tensor, out: Tensor, logs: Tensor, gradient: Tensor, heads: int) -> Tensor:
    return torch.empty_like(qkv, memory_format=torch.contiguous_format)


def _keep(ctx, inputs, output) -> None:  # noqa: ANN001
    qkv, ctx.heads = inputs
    ctx.save_for_backward(qkv, *output)


def _differentiate(ctx, gradient: Tensor, _: Tensor | None) -> tuple[Tensor, None]:  # noqa: ANN001
    return _backward(*ctx.saved_tensors, gradient, ctx.heads), None


_forward.register_autograd(_differentiate, setup_context=_keep)


def _causal_attention(qkv: Tensor, heads: int) -> Tensor:
    _, length, width = qkv.shape
    if qkv.dtype != torch.bfloat16 or length % 64 or width // 3 // heads not in (32, 64):
        return model.causal_attention(qkv, heads)
    return _forward(qkv, heads)[0]


def fast_attention() -> Callable[[Tensor, int], Tensor]:
    """`model.causal_attention`, in C++ for bfloat16 [B, T, 3D] with T a multiple of 64 and heads of 32 or 64."""
    _library()
    return _causal_attention


def use_fast_attention(net: model.ImageGPT) -> None:
    """Gives a model's blocks `fast_attention` where that runs, and says why where it does not."""
    try:
        mix = fast_attention()
    except Unavailable as reason:
        print(f"PyTorch computes attention: {reason}", flush=True)
        return
    for block in net.blocks:
        block.attn.mix = mix
