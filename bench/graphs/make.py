"""Writes the ONNX graphs that `npm run bench` gives to onnxruntime, so that the bench itself needs no Python.

    cd training && python ../bench/graphs/make.py

SHAPE-fp32.onnx.gz is `igpt-rows.onnx` as bundles have it. SHAPE-int8.onnx.gz is the same with DynamicQuantizeMatMul in
the place of each float product: onnxruntime's own int8. (No bundle has that: its activations share one scale over the
batch, so a sample would depend on what it is batched with.) The weights are external, at DATA_OFFSET in a file that
bench/shapes.ts makes.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "training"))

from igpt.bundle.graphs.builder import MICROSOFT, external  # noqa: E402
from igpt.bundle.graphs.network import Network  # noqa: E402
from igpt.bundle.graphs.rows import rows_graph  # noqa: E402
from igpt.bundle.tensors import scale_name, tensor_names  # noqa: E402
from igpt.bundle.weights import Tensor  # noqa: E402
from igpt.model.network import Config  # noqa: E402

DATA_OFFSET = 65536
SHAPES = {"L8": Config(8, 256, 8, 1024, 512), "L8-64": Config(8, 256, 8, 4096, 512), "L12": Config(12, 384, 6, 1024, 512), "iGPT-S": Config(24, 512, 8, 1024, 512)}
SIZES = {"I8": 1, "F16": 2, "F32": 4}


def places_of(config: Config) -> list[Tensor]:
    """Where each tensor of a weights file lies."""
    d, wide = config.width, 4 * config.width
    linear = {"attn.qkv": (3 * d, d), "attn.proj": (d, d), "mlp.fc": (wide, d), "mlp.proj": (d, wide)}
    shapes = {"wte": (config.colors, d), "sos": (d,), "wpe": (config.positions, d), "head.weight": (config.colors, d)}
    places: list[Tensor] = []

    def place(name: str, dtype: str, shape: tuple[int, ...]) -> None:
        begin = places[-1].offset + places[-1].bytes if places else DATA_OFFSET
        places.append(Tensor(name, dtype, shape, begin, int(np.prod(shape)) * SIZES[dtype]))

    for name in tensor_names(config):
        part = name.removesuffix(".weight").split(".", 2)[-1]
        if name in ("wte", "sos", "wpe"):
            place(name, "F16", shapes[name])
        elif name == "head.weight" or part in linear:
            shape = shapes.get(name) or linear[part]
            place(name, "I8", shape)
            place(scale_name(name), "F32", shape[:1])
        else:
            place(name, "F32", (d,))
    return places


class Int8Network(Network):
    """Products by DynamicQuantizeMatMul, which wants [in, out]: the transposed weights are folded at load."""

    def declare(self, g, places):
        for place in places:
            if place.dtype == "I8":
                g.nodes.append(helper.make_node("Transpose", [place.name], [place.name + ".turned"], perm=[1, 0]))
        g.bind("table", g.op("Concat", "wte", g.reshape("sos", 1, -1), axis=0))
        return [external(place) for place in places]

    def linear(self, g, x, name):
        weight = name + ".weight"
        inputs = [x, weight + ".turned", scale_name(weight)]
        return g.op("DynamicQuantizeMatMul", *inputs, domain=MICROSOFT)


def main() -> None:
    for shape, config in SHAPES.items():
        for precision, layers in (("fp32", Network), ("int8", Int8Network)):
            model: onnx.ModelProto = rows_graph(config, places_of(config), layers=layers)
            content = gzip.compress(model.SerializeToString(deterministic=True), mtime=0)
            (HERE / f"{shape}-{precision}.onnx.gz").write_bytes(content)


if __name__ == "__main__":
    main()
