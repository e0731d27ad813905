"""A model as the Worker reads it: `models/{id}/{version}/` with manifest, weights and graphs, and `models/index.json`.

`weights.safetensors` is the only copy of the weights. Its data starts at a multiple of 64 and its tensors lie in the
order of `tensor_names` without holes, so that the graphs can point into it and a kernel can stream it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from .model import Config, ImageGPT
from .quantise import dequantise, quantise

FORMAT = 1
ALIGNMENT = 64
WEIGHTS, MANIFEST, INDEX = "weights.safetensors", "manifest.json", "index.json"
PRECISIONS = ("int8", "fp16")
_TYPES = {"I8": np.dtype(np.int8), "F16": np.dtype(np.float16), "F32": np.dtype(np.float32)}


class BundleError(ValueError):
    """A bundle that cannot be used; the message says which file and why."""


@dataclass(frozen=True)
class Tensor:
    """A tensor's place in the weights file. `offset` counts from the start of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    bytes: int


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


def layout(arrays: dict[str, NDArray]) -> tuple[bytes, list[Tensor]]:
    """The safetensors header (length prefix included, padded with spaces) and every tensor's place."""
    codes = {dtype: code for code, dtype in _TYPES.items()}
    header: dict[str, object] = {}
    end = 0
    for name, array in arrays.items():
        header[name] = {"dtype": codes[array.dtype], "shape": list(array.shape), "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    start = 8 + len(text)
    places, offset = [], start
    for name, array in arrays.items():
        places.append(Tensor(name, codes[array.dtype], array.shape, offset, array.nbytes))
        offset += array.nbytes
    return struct.pack("<Q", len(text)) + text, places


def write_weights(path: Path, arrays: dict[str, NDArray]) -> list[Tensor]:
    """Writes the safetensors file and returns the tensors' places in it."""
    header, places = layout(arrays)
    with path.open("wb") as file:
        file.write(header)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).tobytes())
    return places


def read_weights(path: Path) -> dict[str, NDArray]:
    """All tensors of a safetensors file, in the file's order."""
    contents = path.read_bytes()
    try:
        (length,) = struct.unpack_from("<Q", contents)
        header = json.loads(contents[8 : 8 + length])
        header.pop("__metadata__", None)
        arrays = {}
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"][0]):
            begin, end = entry["data_offsets"]
            data = contents[8 + length + begin : 8 + length + end]
            arrays[name] = np.frombuffer(data, _TYPES[entry["dtype"]]).reshape(entry["shape"])
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{path} is not a weights file of ours: {error}") from error
    return arrays


@dataclass(frozen=True)
class Bundle:
    """A bundle read back: its manifest, and the float model that its weights stand for."""

    manifest: dict
    model: ImageGPT

    @property
    def palette(self) -> NDArray[np.uint8]:
        return np.asarray(self.manifest["palette"], np.uint8)


def read_bundle(folder: Path) -> Bundle:
    """Reads and checks `models/{id}/{version}`; the model is the dequantised one, a starting point for training too."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder / MANIFEST}: {error}") from error
    if manifest.get("format") != FORMAT:
        raise BundleError(f"{folder / MANIFEST}: format {manifest.get('format')}, this program reads {FORMAT}")
    for name, facts in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise BundleError(f"{path} is missing")
        if file_facts(path) != facts:
            raise BundleError(f"{path} does not match its checksum in {MANIFEST}")
    return Bundle(manifest, restored_model(config_of(manifest), read_weights(folder / WEIGHTS)))


def config_of(manifest: dict) -> Config:
    architecture = manifest["architecture"]
    names = ("layers", "width", "heads", "positions", "colors", "bias")
    return Config(**{name: architecture[name] for name in names})


def file_facts(path: Path) -> dict[str, object]:
    """`{bytes, sha256}` of a file."""
    contents = path.read_bytes()
    return {"bytes": len(contents), "sha256": hashlib.sha256(contents).hexdigest()}


def write_json(path: Path, content: object) -> None:
    """Written whole or not at all: a reader never sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    # A palette of 512 colours reads better with a colour a line.
    text = re.sub(r"\[\s+(\d+),\s+(\d+),\s+(\d+)\s+\]", r"[\1, \2, \3]", json.dumps(content, indent=2))
    temporary.write_text(text + "\n")
    temporary.rename(path)


def add_to_index(models: Path, model_id: str, version: str, default: bool) -> None:
    """Makes `version` the current one of a model in `models/index.json`; the last step of publishing."""
    path = models / INDEX
    index = json.loads(path.read_text()) if path.exists() else {"format": FORMAT, "default": model_id, "models": {}}
    entry = index["models"].setdefault(model_id, {"version": version, "versions": []})
    entry["version"] = version
    entry["versions"] = sorted({*entry["versions"], version}, key=int)
    if default:
        index["default"] = model_id
    write_json(path, index)
