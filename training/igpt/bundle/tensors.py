"""A model's weights as the tensors of a bundle, and back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from ..model.network import Config, ImageGPT
from .quantise import dequantise, quantise

PRECISIONS = ("int8", "fp16")


def tensor_names(config: Config) -> Iterator[str]:
    """Names of the parameters, in the file's order; they are PyTorch's."""
    yield from ("wte", "sos", "wpe")
    for n in range(config.layers):
        for part in ("ln_1", "attn.qkv", "attn.proj", "ln_2", "mlp.fc", "mlp.proj"):
            yield f"blocks.{n}.{part}.weight"
            if config.bias and not part.startswith("ln"):
                yield f"blocks.{n}.{part}.bias"
    yield from ("ln_f.weight", "head.weight")


def store(model: ImageGPT, precision: str = "int8") -> dict[str, NDArray]:
    """The file's tensors: int8 (or fp16) linear weights, fp16 tables, float32 norms, scales and biases."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision is one of {', '.join(PRECISIONS)}, not {precision}")
    parameters = {name: p.detach().float().numpy() for name, p in model.named_parameters()}
    arrays: dict[str, NDArray] = {}
    for name in tensor_names(model.config):
        array = parameters.pop(name)
        if name in ("wte", "sos", "wpe"):
            arrays[name] = array.astype(np.float16)
        elif name.endswith(".weight") and array.ndim == 2 and precision == "int8":
            arrays[name], arrays[scale_name(name)] = quantise(array)
        elif name.endswith(".weight") and array.ndim == 2:
            arrays[name] = array.astype(np.float16)
        else:
            arrays[name] = array
    if parameters:
        raise ValueError(f"the format has no place for {', '.join(parameters)}")
    return arrays


def restore(arrays: dict[str, NDArray]) -> dict[str, torch.Tensor]:
    """A state dict of the float model that the stored tensors stand for."""
    state: dict[str, torch.Tensor] = {}
    for name, array in arrays.items():
        if name.endswith(".scale"):
            continue
        wide = dequantise(array, arrays[scale_name(name)]) if array.dtype == np.int8 else array.astype(np.float32)
        state[name] = torch.from_numpy(wide)
    return state


def restored_model(config: Config, arrays: dict[str, NDArray]) -> ImageGPT:
    """The float model that the stored tensors stand for: what a bundle's engines compute."""
    model = ImageGPT(config)
    model.load_state_dict(restore(arrays))
    return model.eval()


def scale_name(weight: str) -> str:
    return weight.removesuffix(".weight") + ".scale"
