"""Inputs and outputs of `igpt.onnx`; docs/tensors.md says what they mean. B samples, P given colours, R positions to generate."""

from __future__ import annotations

import onnx

from ...model.network import Config
from .builder import FLOAT, INT64, info


def option_inputs() -> list[onnx.ValueInfoProto]:
    """How colours are chosen, per sample; both graphs have these."""
    return [info("temperature", FLOAT, "B", 1), info("top_k", INT64, "B", 1), info("top_p", FLOAT, "B", 1)]


def stateless_inputs() -> list[onnx.ValueInfoProto]:
    return [
        info("tokens", INT64, "B", "P"),
        info("forced", INT64, "B", "R"),
        info("uniforms", FLOAT, "B", "R"),
        *option_inputs(),
    ]


def stateless_outputs(config: Config) -> list[onnx.ValueInfoProto]:
    return [
        info("samples", INT64, "B", "R"),
        info("nll", FLOAT, "B", "R"),
        info("prefix_nll", FLOAT, "B", "P"),
        info("features", FLOAT, "B", config.layers + 1, config.width),
    ]
