"""The choice of a colour from logits as nodes: temperature, top-k, top-p, forced colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from .builder import FLOAT, INT64, Builder, info

# Below 1 by more than float32's rounding of u * total can undo: some cumulative sum always exceeds the product.
LARGEST_UNIFORM = 1 - 2**-22


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
