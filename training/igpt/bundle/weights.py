"""`weights.safetensors`, the only copy of a bundle's weights.

Its data starts at a multiple of 64 and its tensors lie in the order of `tensor_names` without holes, so that the graphs
can point into it and a kernel can stream it.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64
WEIGHTS = "weights.safetensors"
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
