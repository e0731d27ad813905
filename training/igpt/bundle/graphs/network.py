"""The model's layers as nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper

from ...model.network import NORM_EPSILON, Config
from ..tensors import scale_name
from ..weights import Tensor
from .builder import FLOAT, MICROSOFT, Builder, external

MASKED = float(np.finfo(np.float32).min)
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
        return [external(place) for place in places]

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


def flat(cache: Cache) -> list[str]:
    return [name for pair in cache for name in pair]


def pairs(names: Sequence[str]) -> Cache:
    return list(zip(names[::2], names[1::2]))
