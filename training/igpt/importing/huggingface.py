"""Checkpoints in the form of Hugging Face's ImageGPT: a folder with config.json, preprocessor_config.json and weights.

Every field of the config is honoured or refused by name. Two attention scalings that only transformers knows are folded
into the query weights, which changes nothing in exact arithmetic.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from ..data.palette import Palette
from ..model.network import NORM_EPSILON, Config, ImageGPT

LINEARS = {"attn.qkv": "attn.c_attn", "attn.proj": "attn.c_proj", "mlp.fc": "mlp.c_fc", "mlp.proj": "mlp.c_proj"}
POSITIONS = 32 * 32
"""What the Worker's pictures have."""
WEIGHT_FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")

# Fields of config.json that say nothing about what the trained network computes.
TRAINING_ONLY = ("resid_pdrop", "embd_pdrop", "attn_pdrop", "initializer_range")


class CheckpointError(ValueError):
    """A checkpoint that cannot be imported; the message names the field or file and says what is supported."""


@dataclass(frozen=True)
class Checkpoint:
    model: ImageGPT
    palette: Palette


def read_checkpoint(folder: Path) -> Checkpoint:
    """Reads a folder as `save_pretrained` writes it and `huggingface-cli download` fetches it."""
    settings = read_json(folder / "config.json")
    config = config_from(settings)
    palette = palette_from(read_json(folder / "preprocessor_config.json"), config.colors)
    weights = read_weights(folder)
    state = convert(weights, settings, config)
    # OpenAI's own biases exist and are all zero: without them the model is the same and smaller.
    if not any(bool(tensor.any()) for name, tensor in state.items() if name.endswith(".bias")):
        config = Config(**{**config.to_dict(), "bias": False})
        state = {name: tensor for name, tensor in state.items() if not name.endswith(".bias")}
    model = ImageGPT(config)
    model.load_state_dict(state)
    return Checkpoint(model.eval(), palette)


def config_from(settings: Mapping) -> Config:
    """Our config of a transformers one, with biases. Raises CheckpointError by the name of the field."""

    def refuse(field: str, supported: str) -> CheckpointError:
        return CheckpointError(f"config.json: {field} is {settings.get(field)!r}; supported is {supported}")

    if settings.get("model_type", "imagegpt") != "imagegpt":
        raise refuse("model_type", "imagegpt")
    width = settings.get("n_embd", 512)
    if settings.get("n_positions", POSITIONS) != POSITIONS:
        raise refuse("n_positions", f"{POSITIONS}, a picture of 32x32")
    if settings.get("n_inner") not in (None, 4 * width):
        raise refuse("n_inner", f"null or 4 * n_embd = {4 * width}")
    if settings.get("activation_function", "quick_gelu") != "quick_gelu":
        raise refuse("activation_function", "quick_gelu")
    if not math.isclose(settings.get("layer_norm_epsilon", NORM_EPSILON), NORM_EPSILON):
        raise refuse("layer_norm_epsilon", str(NORM_EPSILON))
    if settings.get("tie_word_embeddings", False):
        raise refuse("tie_word_embeddings", "false: the output table is one of its own")
    if settings.get("add_cross_attention", False):
        raise refuse("add_cross_attention", "false")
    try:
        return Config(
            layers=settings.get("n_layer", 24),
            width=width,
            heads=settings.get("n_head", 8),
            positions=POSITIONS,
            # The last row of the input table is the start token.
            colors=settings.get("vocab_size", 513) - 1,
            bias=True,
        )
    except ValueError as error:
        raise CheckpointError(f"config.json: {error}") from error


def palette_from(preprocessor: Mapping, colors: int) -> Palette:
    """The palette of `clusters`, [colors, 3] in [-1, 1]."""
    clusters = np.asarray(preprocessor.get("clusters"), dtype=np.float64)
    if clusters.shape != (colors, 3):
        raise CheckpointError(f"preprocessor_config.json: clusters is {clusters.shape}, config.json says ({colors}, 3)")
    return Palette(np.clip(np.rint((clusters + 1) * 127.5), 0, 255).astype(np.uint8))


def convert(weights: Mapping[str, Tensor], settings: Mapping, config: Config) -> dict[str, Tensor]:
    """transformers' tensors under our names. Conv1D stores [in, out]; ours are [out, in]."""

    def take(name: str, *shape: int) -> Tensor:
        if name not in weights:
            raise CheckpointError(f"the weights have no tensor {name}")
        if tuple(weights[name].shape) != shape:
            raise CheckpointError(f"{name} is {tuple(weights[name].shape)}, config.json says {shape}")
        return weights[name].float()

    colors, width = config.colors, config.width
    table = take("transformer.wte.weight", colors + 1, width)
    state = {
        "wte": table[:colors],
        "sos": table[colors],
        "wpe": take("transformer.wpe.weight", config.positions, width),
        "ln_f.weight": take("transformer.ln_f.weight", width),
        "head.weight": take("lm_head.weight", colors, width),
    }
    shapes = {"attn.qkv": (width, 3 * width), "attn.proj": (width, width), "mlp.fc": (width, 4 * width), "mlp.proj": (4 * width, width)}
    for n in range(config.layers):
        for ours, theirs in LINEARS.items():
            inside, outside = shapes[ours]
            state[f"blocks.{n}.{ours}.weight"] = take(f"transformer.h.{n}.{theirs}.weight", inside, outside).T.contiguous()
            state[f"blocks.{n}.{ours}.bias"] = take(f"transformer.h.{n}.{theirs}.bias", outside).clone()
        for norm in ("ln_1", "ln_2"):
            state[f"blocks.{n}.{norm}.weight"] = take(f"transformer.h.{n}.{norm}.weight", width)
        factor = query_factor(settings, config, n)
        state[f"blocks.{n}.attn.qkv.weight"][:width] *= factor
        state[f"blocks.{n}.attn.qkv.bias"][:width] *= factor
    return state


def query_factor(settings: Mapping, config: Config, layer: int) -> float:
    """What the queries of a layer are multiplied by, so that scores scaled by 1/sqrt(d_head) are the checkpoint's.

    `reorder_and_upcast_attn` needs nothing: it is the same mathematics in float32, which ours is anyway.
    """
    factor = 1.0
    if not settings.get("scale_attn_weights", True):
        factor *= math.sqrt(config.width / config.heads)
    if settings.get("scale_attn_by_inverse_layer_idx", False):
        factor /= layer + 1
    return factor


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of the folder's weights, in one file or several; no code in them is run."""
    for name in WEIGHT_FILES:
        path = folder / name
        if not path.exists():
            continue
        if not name.endswith(".index.json"):
            return read_tensors(path)
        weights: dict[str, Tensor] = {}
        for part in sorted(set(read_json(path)["weight_map"].values())):
            weights |= read_tensors(folder / part)
        return weights
    raise CheckpointError(f"{folder} has none of {', '.join(WEIGHT_FILES)}")


def read_tensors(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: {error}") from error
