"""`igpt.onnx`, stateless and batch first: a loop of segments (chunks of the prefix, then rows) around the loop of steps, so that a
step copies its own segment's keys and values only and not the whole cache.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from ...model.network import Config
from ..weights import Tensor
from .builder import FLOAT, INT64, Builder, loop_body, model_proto
from .interface import stateless_inputs, stateless_outputs
from .network import Network, flat
from .sampling import Sampling
from .steps import advance

ROW = 32
PREFIX_CHUNK = 128


def stateless_graph(config: Config, places: Sequence[Tensor]) -> onnx.ModelProto:
    """Inputs and outputs are those of `interface.py`; features are zeros when P = 0. P = 0 and R = 0 are valid."""
    top, network = Builder(), Network(config)
    initializers = network.declare(top, places)
    doubled = (_at_least_two(top, value.name) for value in stateless_inputs())
    tokens, forced, uniforms, temperature, top_k, top_p = doubled
    sampling = Sampling.prepare(top, config.colors, temperature, top_k, top_p)
    given = top.size(tokens, 1)
    everything = top.op("Concat", tokens, forced, axis=1)
    numbers = top.op("Concat", top.filled(0, top.op("Shape", tokens)), uniforms, axis=1)
    samples, nats, sums = _segments(top, network, sampling, given, everything, numbers)

    total = top.size(everything, 1)
    one = top.const([1])
    batch = top.size("tokens", 0)
    results = {
        "samples": top.op("Slice", samples, given, total, one),
        "nll": top.op("Slice", nats, given, total, one),
        "prefix_nll": top.op("Slice", nats, top.const([0]), given, one),
        # Without any position the sum is zero, and so is its mean.
        "features": top.op("Div", sums, top.op("Cast", top.op("Max", given, one), to=FLOAT)),
    }
    for name, source in results.items():
        top.bind(name, top.op("Slice", source, top.const([0]), batch, top.const([0])))
    return model_proto(top, "igpt", stateless_inputs(), stateless_outputs(config), initializers)


def _segments(
    g: Builder, network: Network, sampling: Sampling, given: str, forced: str, uniforms: str
) -> tuple[str, str, str]:
    """The loop of segments over forced and uniforms [B, P + R], of which the first `given` (int64 [1]) are the prefix.

    A chunk of the prefix is one step of up to PREFIX_CHUNK positions, which bounds the size of its scores; a row is up
    to ROW steps. -> tokens and nats [B, P + R], and the prefix's normed states summed [B, L + 1, D].
    """
    config = network.config
    chunks = g.op("Div", g.op("Add", given, g.const([PREFIX_CHUNK - 1])), g.const([PREFIX_CHUNK]))
    new = g.op("Sub", g.size(forced, 1), given)
    rows = g.op("Div", g.op("Add", new, g.const([ROW - 1])), g.const([ROW]))

    body = g.child()
    index, going, last = body.name("index"), body.name("going"), body.name("last")
    tokens, nats, sums = body.name("tokens"), body.name("nats"), body.name("sums")
    cache = [(body.name("keys"), body.name("values")) for _ in range(config.layers)]
    number = body.op("Unsqueeze", index, body.const([0]))
    in_prefix = body.op("Less", number, chunks)
    chunk = body.op("Mul", number, body.const([PREFIX_CHUNK]))
    row = body.op("Add", given, body.op("Mul", body.op("Sub", number, chunks), body.const([ROW])))
    start = body.op("Where", in_prefix, chunk, row)
    chunk_end = body.op("Min", body.op("Add", start, body.const([PREFIX_CHUNK])), given)
    row_end = body.op("Min", body.op("Add", start, body.const([ROW])), body.size(forced, 1))
    end = body.op("Where", in_prefix, chunk_end, row_end)
    count = body.op("Sub", end, start)
    steps = body.op("Where", in_prefix, body.const([1]), count)

    batch = body.size(forced, 0)
    parts = []
    for source in (forced, uniforms):
        part = body.reshape(body.op("Slice", source, start, end, body.const([1])), batch, steps, -1)
        parts.append(body.op("Transpose", part, perm=[1, 0, 2]))
    first = body.op("Squeeze", start, body.const([0]))
    result = advance(body, network, sampling, *parts, last, first, [cache], network.empty(body, batch))
    made, made_nats = (
        body.reshape(body.op("Transpose", x, perm=[1, 0, 2]), batch, count) for x in (result.samples, result.nats)
    )
    counted = body.op("Mul", result.sums, body.op("Cast", in_prefix, to=FLOAT))
    carried = [
        (last, result.last, INT64, 2),
        (tokens, body.op("Concat", tokens, made, axis=1), INT64, 2),
        (nats, body.op("Concat", nats, made_nats, axis=1), FLOAT, 2),
        (sums, body.op("Add", sums, counted), FLOAT, 3),
    ]
    for (old_keys, old_values), (keys, values) in zip(cache, result.own):
        carried.append((old_keys, body.op("Concat", old_keys, keys, axis=3), FLOAT, 4))
        carried.append((old_values, body.op("Concat", old_values, values, axis=2), FLOAT, 4))
    graph = loop_body(body, "segment", index, going, carried, [])

    batch = g.size(forced, 0)
    initial = [
        g.filled(-1, g.shape(batch, 1), INT64),
        g.filled(0, g.shape(batch, 0), INT64),
        g.filled(0, g.shape(batch, 0)),
        g.filled(0, g.shape(batch, config.layers + 1, config.width)),
        *flat(network.empty(g, batch)),
    ]
    segments = g.op("Squeeze", g.op("Add", chunks, rows), g.const([0]))
    out = g.ops(len(initial), "Loop", segments, g.const(True, bool), *initial, body=graph)
    return out[1], out[2], out[3]


def _at_least_two(g: Builder, name: str) -> str:
    """A batch of one sample, doubled: matrix products sum in another order for one row than for several, and a sample
    must not depend on its batch."""
    rows = g.op("Max", g.size(name, 0), g.const([2]))
    index = g.op("Range", g.const(0), g.op("Squeeze", rows, g.const([0])), g.const(1))
    highest = g.op("Sub", g.size(name, 0), g.const([1]))
    return g.op("Gather", name, g.op("Min", index, highest), axis=0)
