"""One request, checked, and its result: the tensors of the contract's stateless graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .weights import Shape

INPUTS: dict[str, tuple[type, tuple]] = {
    "tokens": (np.int64, ("B", "P")),
    "forced": (np.int64, ("B", "R")),
    "uniforms": (np.float32, ("B", "R")),
    "temperature": (np.float32, ("B", 1)),
    "top_k": (np.int64, ("B", 1)),
    "top_p": (np.float32, ("B", 1)),
}
"""Type and shape by name: B rows, P given colours, R positions to generate. docs/tensors.md says what each holds."""
OUTPUTS: dict[str, tuple[type, tuple]] = {
    "samples": (np.int64, ("B", "R")),
    "nll": (np.float32, ("B", "R")),
    "prefix_nll": (np.float32, ("B", "P")),
    "features": (np.float32, ("B", "L + 1", "D")),
}


class BadRequest(ValueError):
    """The caller's to mend; the message names the tensor and what is wrong with it."""


@dataclass(frozen=True)
class Request:
    """The tensors of INPUTS."""

    tokens: NDArray[np.int64]
    forced: NDArray[np.int64]
    uniforms: NDArray[np.float32]
    temperature: NDArray[np.float32]
    top_k: NDArray[np.int64]
    top_p: NDArray[np.float32]

    @property
    def rows(self) -> int:
        return self.tokens.shape[0]

    @property
    def given(self) -> int:
        return self.tokens.shape[1]

    @property
    def generate(self) -> int:
        return self.forced.shape[1]

    def part(self, begin: int, end: int) -> Request:
        return Request(*(getattr(self, name)[begin:end] for name in INPUTS))


@dataclass
class Result:
    """The tensors of OUTPUTS."""

    samples: NDArray[np.int64]
    nll: NDArray[np.float32]
    prefix_nll: NDArray[np.float32]
    features: NDArray[np.float32]


def read_request(arrays: Mapping[str, NDArray | None], shape: Shape) -> Request:
    """@raises BadRequest"""
    given: dict[str, NDArray] = {}
    for name, (kind, _) in INPUTS.items():
        array = arrays.get(name)
        if array is None:
            raise BadRequest(f"input {name} must be given once")
        if array.dtype != np.dtype(kind):
            raise BadRequest(f"{name} must be {np.dtype(kind)}, not {array.dtype}")
        if array.ndim != 2:
            raise BadRequest(f"{name} has shape {list(array.shape)}, it must have two dimensions")
        given[name] = array
    rows, prefix = given["tokens"].shape
    sizes = {"B": rows, "P": prefix, "R": given["forced"].shape[1], 1: 1}
    if rows < 1:
        raise BadRequest("tokens: a batch has at least one row")
    for name, (_, dimensions) in INPUTS.items():
        wanted = tuple(sizes[dimension] for dimension in dimensions)
        if given[name].shape != wanted:
            raise BadRequest(f"{name} has shape {list(given[name].shape)} where the other inputs make it {list(wanted)}")
    if prefix + sizes["R"] > shape.positions:
        raise BadRequest(f"tokens and forced: {prefix} + {sizes['R']} positions, the model has {shape.positions}")
    _within("tokens", given["tokens"], 0, shape.colors - 1)
    _within("forced", given["forced"], -1, shape.colors - 1)
    _within("top_k", given["top_k"], 0, shape.colors)
    # Each comparison is false for NaN.
    _all("uniforms", given["uniforms"], lambda u: (u >= 0) & (u < 1), "in [0, 1)")
    _all("temperature", given["temperature"], lambda t: (t >= 0) & np.isfinite(t), "finite, 0 or more")
    _all("top_p", given["top_p"], lambda p: (p > 0) & (p <= 1), "above 0 and at most 1")
    return Request(**given)


def _within(name: str, array: NDArray, least: int, most: int) -> None:
    _all(name, array, lambda x: (x >= least) & (x <= most), f"in {least} .. {most}")


def _all(name: str, array: NDArray, right, rule: str) -> None:
    wrong = array[~right(array)]
    if wrong.size:
        raise BadRequest(f"{name}: {wrong.flat[0]} is not {rule}")
