"""The two ONNX graphs of a model, built node by node because no exporter produces nested generation loops.

Both are one loop body, a *step*, that runs n positions of B samples at once: given pixels many a step (all forced), new
ones one a step. So the weights have one use, and a step costs the same nodes whatever it is for.

`igpt-rows.onnx`  one call is T steps; the caller keeps the cache, whose prefix part has batch 1 and is shared.
`igpt.onnx`       stateless and batch first: a loop of segments (chunks of the prefix, then rows) around the loop of
                  steps, so that a step copies its own segment's keys and values only and not the whole cache.

Weights are external data in `weights.safetensors`, dequantised at the graph's top level and multiplied in float: an
operator that quantises activations over the batch would make a sample depend on what it is batched with.

Shapes in comments: T steps, B samples, n positions a step, Q positions of the shared prefix, E of the samples' own
before this call, r of this call so far, L layers, D width, H heads, W = D / H, C colours. Keys are kept transposed,
[B, H, W, r]: the product of one query with them then reads memory in order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .bundle import WEIGHTS, Tensor, scale_name
from .model import NORM_EPSILON, Config

OPSET = 21
IR_VERSION = 10
ROW = 32
PREFIX_CHUNK = 128
# Below 1 by more than float32's rounding of u * total can undo: some cumulative sum always exceeds the product.
LARGEST_UNIFORM = 1 - 2**-22
MASKED = float(np.finfo(np.float32).min)

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
MICROSOFT = "com.microsoft"


@dataclass
class Builder:
    """Collects the nodes of one (sub)graph. Names are unique over all subgraphs because they share `counter`."""

    counter: list[int] = field(default_factory=lambda: [0])
    nodes: list[onnx.NodeProto] = field(default_factory=list)

    def child(self) -> Builder:
        return Builder(self.counter)

    def name(self, hint: str) -> str:
        self.counter[0] += 1
        return f"{hint}_{self.counter[0]}"

    def ops(self, outputs: int, kind: str, *inputs: str, domain: str = "", **attributes: object) -> list[str]:
        """Adds a node and returns its outputs' names."""
        names = [self.name(kind) for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        return self.ops(1, kind, *inputs, domain=domain, **attributes)[0]

    def bind(self, name: str, source: str) -> None:
        """Gives a value a second, fixed name: that of a graph's output."""
        self.nodes.append(helper.make_node("Identity", [source], [name]))

    def const(self, content: object, dtype: type = np.int64) -> str:
        return self.op("Constant", value=numpy_helper.from_array(np.asarray(content, dtype)))

    def size(self, x: str, axis: int) -> str:
        """One dimension of x, int64 [1]."""
        return self.op("Shape", x, start=axis, end=axis + 1)

    def length(self, x: str, axis: int) -> str:
        """One dimension of x, int64 scalar."""
        return self.op("Squeeze", self.size(x, axis), self.const([0]))

    def shape(self, *parts: int | str) -> str:
        """int64 [n] of whole numbers and int64 [1] values."""
        return self.op("Concat", *(self.const([p]) if isinstance(p, int) else p for p in parts), axis=0)

    def reshape(self, x: str, *parts: int | str) -> str:
        """Parts as in `shape`; 0 keeps the input's dimension at that place, -1 is inferred."""
        fixed = all(isinstance(p, int) for p in parts)
        return self.op("Reshape", x, self.const(list(parts)) if fixed else self.shape(*parts))

    def filled(self, content: float, shape: str, kind: int = FLOAT) -> str:
        return self.op("ConstantOfShape", shape, value=helper.make_tensor("", kind, [1], [content]))

    def graph(self, name: str, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]):
        return helper.make_graph(self.nodes, name, list(inputs), list(outputs))


def info(name: str, kind: int, *shape: int | str | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, list(shape))


Cache = list[tuple[str, str]]
"""Per layer the names of keys [B or 1, H, W, positions] and values [B or 1, H, positions, W]."""


class Network:
    """The model's layers as nodes. Weights are values of the outermost graph, known by name in all inner ones."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.head_width = config.width // config.heads

    def declare(self, g: Builder, places: Sequence[Tensor]) -> list[onnx.TensorProto]:
        """The external initialisers, and the nodes that make float matrices `NAME.matrix` [out, in] of the weights."""
        for place in places:
            if len(place.shape) != 2 or not place.name.endswith(".weight"):
                continue
            inputs, attributes = [place.name], {"to": FLOAT}
            if place.dtype == "I8":
                inputs, attributes = [place.name, scale_name(place.name)], {"axis": 0}
            kind = "DequantizeLinear" if place.dtype == "I8" else "Cast"
            g.nodes.append(helper.make_node(kind, inputs, [place.name + ".matrix"], **attributes))
        g.bind("table", g.op("Concat", "wte", g.reshape("sos", 1, -1), axis=0))
        return [_external(place) for place in places]

    def empty(self, g: Builder, batch: str) -> Cache:
        """The cache of no positions."""
        heads, width = self.config.heads, self.head_width
        keys = g.filled(0, g.shape(batch, heads, width, 0))
        values = g.filled(0, g.shape(batch, heads, 0, width))
        return [(keys, values)] * self.config.layers

    def embed(self, g: Builder, tokens: str, positions: str) -> str:
        """Tokens [B, n] (-1 is the start vector) at positions [n] -> [B * n, D]."""
        index = g.op("Where", g.op("Less", tokens, g.const(0)), g.const(self.config.colors), tokens)
        color = g.op("Cast", g.op("Gather", "table", index, axis=0), to=FLOAT)
        place = g.op("Cast", g.op("Gather", "wpe", positions, axis=0), to=FLOAT)
        return g.reshape(g.op("Add", color, place), -1, self.config.width)

    def norm(self, g: Builder, x: str, name: str) -> str:
        return g.op("SimplifiedLayerNormalization", x, name + ".weight", axis=-1, epsilon=NORM_EPSILON, stash_type=1)

    def linear(self, g: Builder, x: str, name: str) -> str:
        """[rows, in] -> [rows, out]. Gemm takes the matrix as it is stored: transposing it would need a second copy."""
        bias = [name + ".bias"] if self.config.bias and name != "head" else []
        return g.op("Gemm", x, name + ".weight.matrix", *bias, transB=1)

    def mlp(self, g: Builder, x: str, name: str) -> str:
        hidden = g.op("QuickGelu", self.linear(g, x, name + ".fc"), domain=MICROSOFT, alpha=1.702)
        return self.linear(g, hidden, name + ".proj")

    def mask(self, g: Builder, before: str, count: str) -> str:
        """What is added to scores against this call's keys, [n, r + n]: query i sees keys 0 .. r + i."""
        end = g.op("Add", before, count)
        keys = g.op("Range", g.const(0), end, g.const(1))
        queries = g.op("Unsqueeze", g.op("Range", before, end, g.const(1)), g.const([1]))
        return g.op("Where", g.op("Greater", keys, queries), g.const(MASKED, np.float32), g.const(0, np.float32))

    def attention(self, g: Builder, x: str, name: str, batch: str, mask: str, parts: Cache) -> tuple[str, str, str]:
        """Normed states [B * n, D] -> what the layer adds to them, and the last part of the cache with the new
        positions appended. The parts before it do not change during the call; batch 1 in them is shared."""
        heads, width = self.config.heads, self.head_width
        query, key, value = g.ops(3, "Split", self.linear(g, x, name + ".qkv"), axis=-1, num_outputs=3)
        # Scaled here because the query is smaller than the scores.
        query = g.op("Mul", query, g.const(1 / math.sqrt(width), np.float32))
        split = g.shape(batch, -1, heads, width)
        query, key, value = (g.op("Reshape", part, split) for part in (query, key, value))
        query = g.op("Transpose", query, perm=[0, 2, 1, 3])
        keys = g.op("Concat", parts[-1][0], g.op("Transpose", key, perm=[0, 2, 3, 1]), axis=3)
        values = g.op("Concat", parts[-1][1], g.op("Transpose", value, perm=[0, 2, 1, 3]), axis=2)
        parts = [*parts[:-1], (keys, values)]
        # One softmax over all parts.
        scores = [g.op("MatMul", query, part_keys) for part_keys, _ in parts]
        scores[-1] = g.op("Add", scores[-1], mask)
        weights = g.op("Softmax", g.op("Concat", *scores, axis=-1), axis=-1)
        lengths = g.shape(*(g.size(part_keys, 3) for part_keys, _ in parts))
        shares = g.ops(len(parts), "Split", weights, lengths, axis=-1)
        mixed = g.op("Sum", *(g.op("MatMul", share, v) for share, (_, v) in zip(shares, parts)))
        mixed = g.reshape(g.op("Transpose", mixed, perm=[0, 2, 1, 3]), -1, self.config.width)
        return self.linear(g, mixed, name + ".proj"), keys, values

    def step(self, g: Builder, tokens: str, first: str, earlier: list[Cache], own: Cache) -> tuple[str, list[str], Cache]:
        """Runs n positions of every sample; `own` is the cache of this call's positions so far.

        Input tokens [B, n], the first of them at scalar position `first` -> logits [B, n, C]; for l = 0 .. L the state
        after l blocks through the norm that follows it, [B * n, D]; and the longer cache.
        """
        batch, count = g.size(tokens, 0), g.length(tokens, 1)
        positions = g.op("Range", first, g.op("Add", first, count), g.const(1))
        mask = self.mask(g, g.length(own[0][1], 2), count)
        x = self.embed(g, tokens, positions)
        states, longer = [], []
        for n in range(self.config.layers):
            name = f"blocks.{n}"
            states.append(self.norm(g, x, name + ".ln_1"))
            parts = [cache[n] for cache in (*earlier, own)]
            added, keys, values = self.attention(g, states[-1], name + ".attn", batch, mask, parts)
            longer.append((keys, values))
            x = g.op("Add", x, added)
            x = g.op("Add", x, self.mlp(g, self.norm(g, x, name + ".ln_2"), name + ".mlp"))
        states.append(self.norm(g, x, "ln_f"))
        logits = g.reshape(self.linear(g, states[-1], "head"), batch, -1, self.config.colors)
        return logits, states, longer


@dataclass(frozen=True)
class Sampling:
    """Names of the options as a step uses them; all are per sample."""

    divisor: str  # float [B, 1, 1]: the temperature, 1 where that is 0
    greedy: str  # bool [B, 1]: temperature 0
    top_k: str  # int64 [B, 1, 1], C where off
    top_p: str  # float [B, 1, 1]
    restricted: str  # bool scalar: top-k or top-p is on for some sample, so colours must be sorted

    @staticmethod
    def prepare(g: Builder, colors: int, temperature: str, top_k: str, top_p: str) -> Sampling:
        """From [B, 1] each."""
        warm = g.op("Greater", temperature, g.const(0, np.float32))
        limited = g.op("Greater", top_k, g.const(0))
        either = g.op("Cast", g.op("Or", limited, g.op("Less", top_p, g.const(1, np.float32))), to=INT64)
        last = g.const([2])
        return Sampling(
            divisor=g.op("Unsqueeze", g.op("Where", warm, temperature, g.const(1, np.float32)), last),
            greedy=g.op("Not", warm),
            top_k=g.op("Unsqueeze", g.op("Where", limited, top_k, g.const(colors)), last),
            top_p=g.op("Unsqueeze", top_p, last),
            restricted=g.op("Greater", g.op("ReduceMax", either, keepdims=0), g.const(0)),
        )

    def choose(self, g: Builder, logits: str, forced: str, uniforms: str, colors: int) -> tuple[str, str]:
        """Logits [B, n, C], forced [B, n], uniforms [B, n] -> tokens and their nats under the model's own distribution.

        exp(z - max) is summed in palette order whether or not colours are sorted, so that a sample without top-k does
        not change when another one of its batch has it.
        """
        warmed = g.op("Div", logits, self.divisor)
        likely = g.op("Exp", g.op("Sub", warmed, g.op("ReduceMax", warmed, g.const([-1]), keepdims=1)))
        unforced = g.op("Less", g.op("ReduceMin", forced, keepdims=0), g.const(0))
        allowed = self._allowed(g, g.op("And", self.restricted, unforced), warmed, likely, colors)
        sums = g.op("CumSum", g.op("Mul", likely, allowed), g.const(-1))
        total = g.op("Slice", sums, g.const([colors - 1]), g.const([colors]), g.const([2]))
        u = g.op("Min", g.op("Unsqueeze", uniforms, g.const([2])), g.const(LARGEST_UNIFORM, np.float32))
        beyond = g.op("Cast", g.op("Greater", sums, g.op("Mul", u, total)), to=TensorProto.INT32)
        # ArgMax takes the first of equals: the smallest index whose sum exceeds u, the lowest likeliest colour.
        drawn = g.op("ArgMax", beyond, axis=-1, keepdims=0)
        likeliest = g.op("ArgMax", logits, axis=-1, keepdims=0)
        free = g.op("Where", self.greedy, likeliest, drawn)
        tokens = g.op("Where", g.op("Less", forced, g.const(0)), free, forced)
        log_probabilities = g.op("LogSoftmax", logits, axis=-1)
        picked = g.op("GatherElements", log_probabilities, g.op("Unsqueeze", tokens, g.const([2])), axis=2)
        return tokens, g.op("Neg", g.op("Squeeze", picked, g.const([2])))

    def _allowed(self, g: Builder, restricted: str, warmed: str, likely: str, colors: int) -> str:
        """1 for colours that top-k and then top-p leave, 0 for the others: float, broadcasts to [B, n, C]."""
        every, some = g.child(), g.child()
        every_result = every.const(1, np.float32)
        # TopK puts the lower index first among equals, which is the rule for ties at the border.
        _, order = some.ops(2, "TopK", warmed, some.const([colors]), axis=-1, largest=1, sorted=1)
        place = some.op("Range", some.const(0), some.const(colors), some.const(1))
        best = some.op("Cast", some.op("Less", place, self.top_k), to=FLOAT)
        descending = some.op("Mul", some.op("GatherElements", likely, order, axis=2), best)
        before = some.op("CumSum", descending, some.const(-1), exclusive=1)
        reach = some.op("Mul", self.top_p, some.op("ReduceSum", descending, some.const([-1]), keepdims=1))
        # top_p = 1 keeps even colours that rounding puts beyond the sum.
        off = some.op("GreaterOrEqual", self.top_p, some.const(1, np.float32))
        within = some.op("Cast", some.op("Or", off, some.op("Less", before, reach)), to=FLOAT)
        nothing = some.filled(0, some.op("Shape", warmed))
        some_result = some.op("ScatterElements", nothing, order, some.op("Mul", best, within), axis=2)
        return g.op(
            "If",
            restricted,
            then_branch=some.graph("restricted", [], [info(some_result, FLOAT, *[None] * 3)]),
            else_branch=every.graph("unrestricted", [], [info(every_result, FLOAT)]),
        )


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
    graph = _loop_body(body, "step", index, going, carried, collected)
    batch = g.size(last, 0)
    start = [last, g.filled(0, g.shape(batch, config.layers + 1, config.width)), *_flat(begun)]
    steps = g.length(forced, 0)
    out = g.ops(len(start) + len(collected), "Loop", steps, g.const(True, bool), *start, body=graph)
    (last, sums, *own), (samples, nats, *rest) = out[: len(start)], out[len(start) :]
    return Advanced(samples, nats, last, sums, _pairs(own), rest[0] if rest else None)


def rows_graph(config: Config, places: Sequence[Tensor], keep_logits: bool = False) -> onnx.ModelProto:
    """`igpt-rows.onnx`: T steps of n positions. The given pixels of a chunk are one step (T = 1, B = 1), the new ones
    of a row are steps of one position (n = 1).

    Inputs: forced int64 [T, B, n] (-1 = sample), uniforms [T, B, n], last int64 [B, 1] (the colour before the first of
    these positions, -1 at the start of a picture), temperature [B, 1], top_k int64 [B, 1], top_p [B, 1], and per layer
    N prefix_keys.N [1, H, W, Q], prefix_values.N [1, H, Q, W], own_keys.N [B, H, W, E], own_values.N [B, H, E, W] and
    row_keys.N [B, H, W, r], row_values.N [B, H, r, W].
    Outputs: samples int64 [T, B, n], nll [T, B, n], state_sums [B, L + 1, D] (normed states summed over the T * n
    positions), keys.N [B, H, W, r + T * n] and values.N [B, H, r + T * n, W] of the row so far; with `keep_logits` (in no
    bundle: to hold engines against) logits [T, B, n, C] too.

    The three parts of the cache are summed one by one, so a caller who always cuts them at the same positions gets the
    same bits however many steps each call has.
    """
    heads, width = config.heads, config.width // config.heads
    top, network = Builder(), Network(config)
    initializers = network.declare(top, places)
    prefix = [(f"prefix_keys.{n}", f"prefix_values.{n}") for n in range(config.layers)]
    own = [(f"own_keys.{n}", f"own_values.{n}") for n in range(config.layers)]
    row = [(f"row_keys.{n}", f"row_values.{n}") for n in range(config.layers)]
    sampling = Sampling.prepare(top, config.colors, "temperature", "top_k", "top_p")
    first = top.op("Add", top.length(prefix[0][1], 2), top.length(own[0][1], 2))
    first = top.op("Add", first, top.length(row[0][1], 2))
    result = advance(top, network, sampling, "forced", "uniforms", "last", first, [prefix, own], row, keep_logits)

    inputs = [info("forced", INT64, "T", "B", "n"), info("uniforms", FLOAT, "T", "B", "n"), info("last", INT64, "B", 1)]
    inputs += _option_inputs()
    outputs = [
        info("samples", INT64, "T", "B", "n"),
        info("nll", FLOAT, "T", "B", "n"),
        info("state_sums", FLOAT, "B", config.layers + 1, config.width),
    ]
    sources = [result.samples, result.nats, result.sums, *_flat(result.own)]
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
    return _model(top, "igpt-rows", inputs, outputs, initializers)


def stateless_graph(config: Config, places: Sequence[Tensor]) -> onnx.ModelProto:
    """`igpt.onnx`: tokens int64 [B, P], forced int64 [B, R] (-1 = sample), uniforms [B, R], temperature [B, 1], top_k
    int64 [B, 1] (0 = off), top_p [B, 1] (1 = off) -> samples int64 [B, R], nll [B, R], prefix_nll [B, P], features
    [B, L + 1, D] (means over the P positions; zeros when P = 0). P = 0 and R = 0 are valid.
    """
    top, network = Builder(), Network(config)
    initializers = network.declare(top, places)
    names = ("tokens", "forced", "uniforms", "temperature", "top_k", "top_p")
    tokens, forced, uniforms, temperature, top_k, top_p = (_at_least_two(top, name) for name in names)
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
    inputs = [info("tokens", INT64, "B", "P"), info("forced", INT64, "B", "R"), info("uniforms", FLOAT, "B", "R")]
    outputs = [
        info("samples", INT64, "B", "R"),
        info("nll", FLOAT, "B", "R"),
        info("prefix_nll", FLOAT, "B", "P"),
        info("features", FLOAT, "B", config.layers + 1, config.width),
    ]
    return _model(top, "igpt", [*inputs, *_option_inputs()], outputs, initializers)


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
    graph = _loop_body(body, "segment", index, going, carried, [])

    batch = g.size(forced, 0)
    initial = [
        g.filled(-1, g.shape(batch, 1), INT64),
        g.filled(0, g.shape(batch, 0), INT64),
        g.filled(0, g.shape(batch, 0)),
        g.filled(0, g.shape(batch, config.layers + 1, config.width)),
        *_flat(network.empty(g, batch)),
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


def _loop_body(
    body: Builder,
    name: str,
    index: str,
    going: str,
    carried: Sequence[tuple[str, str, int, int]],
    collected: Sequence[tuple[str, int, int]],
) -> onnx.GraphProto:
    """A Loop's graph from (before, after, type, rank) of what it carries and (name, type, rank) of what it collects."""
    again = body.op("Identity", going)
    befores = [info(before, kind, *[None] * rank) for before, _, kind, rank in carried]
    afters = [info(after, kind, *[None] * rank) for _, after, kind, rank in carried]
    collections = [info(output, kind, *[None] * rank) for output, kind, rank in collected]
    return body.graph(
        name, [info(index, INT64), info(going, BOOL), *befores], [info(again, BOOL), *afters, *collections]
    )


def _flat(cache: Cache) -> list[str]:
    return [name for pair in cache for name in pair]


def _pairs(names: Sequence[str]) -> Cache:
    return list(zip(names[::2], names[1::2]))


def _option_inputs() -> list[onnx.ValueInfoProto]:
    return [info("temperature", FLOAT, "B", 1), info("top_k", INT64, "B", 1), info("top_p", FLOAT, "B", 1)]


def _model(top: Builder, name: str, inputs, outputs, initializers) -> onnx.ModelProto:
    graph = helper.make_graph(top.nodes, name, inputs, outputs, initializer=initializers)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="igpt-edge")


def _external(place: Tensor) -> onnx.TensorProto:
    kinds = {"I8": TensorProto.INT8, "F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT}
    tensor = TensorProto(name=place.name, data_type=kinds[place.dtype], dims=place.shape)
    tensor.data_location = TensorProto.EXTERNAL
    for key, content in (("location", WEIGHTS), ("offset", place.offset), ("length", place.bytes)):
        tensor.external_data.add(key=key, value=str(content))
    return tensor
