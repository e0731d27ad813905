"""`igpt-rows.onnx`, the edge's graph: one call is T steps; the caller keeps the cache, whose prefix part has batch 1 and is shared."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from ...model.network import Config
from ..weights import Tensor
from .builder import FLOAT, INT64, Builder, info, model_proto
from .interface import option_inputs
from .network import Network, flat
from .sampling import Sampling
from .steps import advance


def rows_graph(config: Config, places: Sequence[Tensor], keep_logits: bool = False, layers: type[Network] = Network) -> onnx.ModelProto:
    """`igpt-rows.onnx`: T steps of n positions. The given pixels of a chunk are one step (T = 1, B = 1), the new ones
    of a row are steps of one position (n = 1).

    docs/tensors.md names inputs and outputs. With `keep_logits` (in no bundle: to hold engines against) logits [T, B, n, C] are one
    more output. `layers` makes the nodes of the network (bench/graphs has others).

    The three parts of the cache are summed one by one, so a caller who always cuts them at the same positions gets the
    same bits however many steps each call has.
    """
    heads, width = config.heads, config.width // config.heads
    top, network = Builder(), layers(config)
    initializers = network.declare(top, places)
    prefix = [(f"prefix_keys.{n}", f"prefix_values.{n}") for n in range(config.layers)]
    own = [(f"own_keys.{n}", f"own_values.{n}") for n in range(config.layers)]
    row = [(f"row_keys.{n}", f"row_values.{n}") for n in range(config.layers)]
    sampling = Sampling.prepare(top, config.colors, "temperature", "top_k", "top_p")
    first = top.op("Add", top.length(prefix[0][1], 2), top.length(own[0][1], 2))
    first = top.op("Add", first, top.length(row[0][1], 2))
    result = advance(top, network, sampling, "forced", "uniforms", "last", first, [prefix, own], row, keep_logits)

    inputs = [info("forced", INT64, "T", "B", "n"), info("uniforms", FLOAT, "T", "B", "n"), info("last", INT64, "B", 1)]
    inputs += option_inputs()
    outputs = [
        info("samples", INT64, "T", "B", "n"),
        info("nll", FLOAT, "T", "B", "n"),
        info("state_sums", FLOAT, "B", config.layers + 1, config.width),
    ]
    sources = [result.samples, result.nats, result.sums, *flat(result.own)]
    for n in range(config.layers):
        inputs += [info(prefix[n][0], FLOAT, 1, heads, width, "Q"), info(prefix[n][1], FLOAT, 1, heads, "Q", width)]
        inputs += [info(own[n][0], FLOAT, "B", heads, width, "E"), info(own[n][1], FLOAT, "B", heads, "E", width)]
        inputs += [info(row[n][0], FLOAT, "B", heads, width, "r"), info(row[n][1], FLOAT, "B", heads, "r", width)]
        outputs += [info(f"keys.{n}", FLOAT, "B", heads, width, None), info(f"values.{n}", FLOAT, "B", heads, None, width)]
    if result.logits:
        sources.append(result.logits)
        outputs.append(info("logits", FLOAT, "T", "B", "n", config.colors))
    for output, source in zip(outputs, sources, strict=True):
        top.bind(output.name, source)
    return model_proto(top, "igpt-rows", inputs, outputs, initializers)
