"""The nodes of an ONNX graph, put together one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..weights import WEIGHTS, Tensor

OPSET = 21
IR_VERSION = 10
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


def loop_body(
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


def model_proto(top: Builder, name: str, inputs, outputs, initializers) -> onnx.ModelProto:
    graph = helper.make_graph(top.nodes, name, inputs, outputs, initializer=initializers)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="igpt-edge")


def external(place: Tensor) -> onnx.TensorProto:
    kinds = {"I8": TensorProto.INT8, "F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT}
    tensor = TensorProto(name=place.name, data_type=kinds[place.dtype], dims=place.shape)
    tensor.data_location = TensorProto.EXTERNAL
    for key, content in (("location", WEIGHTS), ("offset", place.offset), ("length", place.bytes)):
        tensor.external_data.add(key=key, value=str(content))
    return tensor
