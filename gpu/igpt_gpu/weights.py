"""A bundle's weights, `weights.safetensors` beside `manifest.json`, as tensors of one type on one device."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

GELU_FACTOR = 1.702
"""Of the model's activation, x sigmoid(1.702 x)."""
TYPES = {"I8": np.int8, "F16": np.float16, "F32": np.float32}


@dataclass(frozen=True)
class Shape:
    layers: int
    width: int
    heads: int
    positions: int
    colors: int

    @property
    def head_width(self) -> int:
        return self.width // self.heads


@dataclass(frozen=True)
class Block:
    """Norms [D]; linear layers [out, in], biases [out] or None. `fc` is GELU_FACTOR times the model's, `out` that part of it."""

    ln_1: Tensor
    qkv: Tensor
    qkv_bias: Tensor | None
    proj: Tensor
    proj_bias: Tensor | None
    ln_2: Tensor
    fc: Tensor
    fc_bias: Tensor | None
    out: Tensor
    out_bias: Tensor | None


@dataclass(frozen=True)
class Weights:
    """`wte` [colors + 1, D] ends with the start vector: token `colors` is the start."""

    shape: Shape
    wte: Tensor
    wpe: Tensor
    blocks: list[Block]
    ln_f: Tensor
    head: Tensor

    @property
    def step_bytes(self) -> int:
        """Bytes of weights that one decoding step reads: all but the two tables."""
        parts = [self.ln_f, self.head, *(t for b in self.blocks for t in vars(b).values() if t is not None)]
        return sum(t.numel() * t.element_size() for t in parts)


def read_bundle(folder: Path, device: torch.device, dtype: torch.dtype) -> tuple[dict, Weights]:
    """The manifest and the weights of `models/{id}/{version}`. @raises ValueError when they do not fit together."""
    manifest = json.loads((folder / "manifest.json").read_text())
    architecture = manifest["architecture"]
    shape = Shape(**{name: architecture[name] for name in ("layers", "width", "heads", "positions", "colors")})
    return manifest, arrange(shape, read_tensors(folder / "weights.safetensors"), device, dtype)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Float32 tensors of a file: int8 rows by their scale, fp16 ones widened."""
    contents = path.read_bytes()
    (length,) = struct.unpack_from("<Q", contents)
    header = json.loads(contents[8 : 8 + length])
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        data = contents[8 + length + begin : 8 + length + end]
        arrays[name] = np.frombuffer(data, TYPES[entry["dtype"]]).reshape(entry["shape"])
    tensors = {}
    for name, array in arrays.items():
        if name.endswith(".scale"):
            continue
        wide = array.astype(np.float32)
        if array.dtype == np.int8:
            wide *= arrays[name.removesuffix(".weight") + ".scale"].reshape(-1, 1)
        tensors[name] = torch.from_numpy(wide)
    return tensors


def arrange(shape: Shape, tensors: dict[str, Tensor], device: torch.device, dtype: torch.dtype) -> Weights:
    """Tensors under PyTorch's names (training/igpt/model/network.py), converted and in their places."""
    left = dict(tensors)

    def take(name: str, *dims: int, factor: float = 1) -> Tensor:
        if name not in left:
            raise ValueError(f"the weights have no tensor {name}")
        tensor = left.pop(name)
        if tuple(tensor.shape) != dims:
            raise ValueError(f"{name} is {tuple(tensor.shape)}, the manifest says {dims}")
        return (tensor * factor).to(device, dtype)

    def bias(name: str, outside: int, factor: float = 1) -> Tensor | None:
        return take(f"{name}.bias", outside, factor=factor) if f"{name}.bias" in left else None

    def linear(name: str, outside: int, inside: int) -> tuple[Tensor, Tensor | None]:
        return take(f"{name}.weight", outside, inside), bias(name, outside)

    d = shape.width
    table = torch.cat((take("wte", shape.colors, d), take("sos", d).unsqueeze(0)))
    wpe = take("wpe", shape.positions, d)
    blocks = []
    for n in range(shape.layers):
        at = f"blocks.{n}"
        blocks.append(
            Block(
                take(f"{at}.ln_1.weight", d),
                *linear(f"{at}.attn.qkv", 3 * d, d),
                *linear(f"{at}.attn.proj", d, d),
                take(f"{at}.ln_2.weight", d),
                take(f"{at}.mlp.fc.weight", 4 * d, d, factor=GELU_FACTOR),
                bias(f"{at}.mlp.fc", 4 * d, GELU_FACTOR),
                take(f"{at}.mlp.proj.weight", d, 4 * d, factor=1 / GELU_FACTOR),
                bias(f"{at}.mlp.proj", d),
            )
        )
    weights = Weights(shape, table, wpe, blocks, take("ln_f.weight", d), take("head.weight", shape.colors, d))
    if left:
        raise ValueError(f"the model has no place for {', '.join(left)}")
    return weights
