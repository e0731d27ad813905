"""The loop of steps that both graphs are made of."""

from __future__ import annotations

from dataclasses import dataclass

from .builder import FLOAT, INT64, Builder, loop_body
from .network import Cache, Network, flat, pairs
from .sampling import Sampling


@dataclass(frozen=True)
class Advanced:
    """Results of a call of T steps."""

    samples: str  # int64 [T, B, n]
    nats: str  # float [T, B, n]
    last: str  # int64 [B, 1]
    sums: str  # float [B, L + 1, D]: the normed states summed over the call's positions
    own: Cache  # what was begun, and the call's T * n positions
    logits: str | None  # float [T, B, n, C], if asked for


def advance(
    g: Builder,
    network: Network,
    sampling: Sampling,
    forced: str,
    uniforms: str,
    last: str,
    first: str,
    earlier: list[Cache],
    begun: Cache,
    keep_logits: bool = False,
) -> Advanced:
    """The loop of steps: forced int64 [T, B, n] and uniforms [T, B, n], from scalar position `first` on, after the
    tokens `last` [B, 1]. Where n > 1 all tokens but the last of each step must be forced. The cache that steps add to
    starts as `begun`."""
    config = network.config
    body = g.child()
    index, going, before = body.name("index"), body.name("going"), body.name("last")
    sums, own = body.name("sums"), [(body.name("keys"), body.name("values")) for _ in range(config.layers)]
    given = body.op("Gather", forced, index, axis=0)
    count = body.length(given, 1)
    head = body.op("Slice", given, body.const([0]), body.const([-1]), body.const([1]))
    inputs = body.op("Concat", before, head, axis=1)
    position = body.op("Add", first, body.op("Mul", index, count))
    logits, states, longer = network.step(body, inputs, position, earlier, own)
    tokens, nats = sampling.choose(body, logits, given, body.op("Gather", uniforms, index, axis=0), config.colors)

    # A product with ones, because reductions sum in another order when the batch is 1.
    batch = body.size(given, 0)
    ones = body.filled(1, body.shape(1, 1, body.size(given, 1)))
    rows = [body.reshape(x, batch, -1, config.width) for x in states]
    added = body.op("Concat", *(body.op("MatMul", ones, x) for x in rows), axis=1)
    carried = [
        (before, body.op("Slice", tokens, body.const([-1]), body.const([2**31]), body.const([1])), INT64, 2),
        (sums, body.op("Add", sums, added), FLOAT, 3),
        *((old, new, FLOAT, 4) for olds, news in zip(own, longer) for old, new in zip(olds, news)),
    ]
    collected = [(body.op("Identity", tokens), INT64, 2), (nats, FLOAT, 2)]
    if keep_logits:
        collected.append((body.op("Identity", logits), FLOAT, 3))
    graph = loop_body(body, "step", index, going, carried, collected)
    batch = g.size(last, 0)
    start = [last, g.filled(0, g.shape(batch, config.layers + 1, config.width)), *flat(begun)]
    steps = g.length(forced, 0)
    out = g.ops(len(start) + len(collected), "Loop", steps, g.const(True, bool), *start, body=graph)
    (last, sums, *own), (samples, nats, *rest) = out[: len(start)], out[len(start) :]
    return Advanced(samples, nats, last, sums, pairs(own), rest[0] if rest else None)
