"""docs/tensors.md, held against the engine's requests and the trainer's graphs. (All that is TypeScript: test/docs/tensors.test.ts.)"""

import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from igpt.bundle.graphs.rows import rows_graph
from igpt.bundle.graphs.stateless import stateless_graph
from igpt.bundle.tensors import store
from igpt.bundle.weights import layout
from igpt.model.network import Config, ImageGPT
from igpt_gpu import BadRequest
from igpt_gpu.request import INPUTS, OUTPUTS, read_request
from igpt_gpu.weights import Shape

PAGE = (Path(__file__).parents[2] / "docs" / "tensors.md").read_text()
CONFIG = Config(layers=3, width=8, heads=2, positions=16, colors=5)
TYPES = {"INT64": np.int64, "FP32": np.float32}


def table(section: str, kind: str) -> dict[str, tuple[type, tuple, str]]:
    """Type, shape and values by name."""
    text = next(part for part in PAGE.split("\n## ") if part.startswith(f"`{section}`\n"))
    rows = re.search(rf"^\| {kind} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.M)[1]
    cells = [[cell.strip() for cell in line.split("|")] for line in rows.splitlines()]
    return {
        name.strip("`"): (TYPES[kind], tuple(1 if size == "1" else size for size in shape[1:-1].split(", ")), values)
        for _, name, kind, shape, values, *_ in cells
    }


GIVEN, YIELDED = table("igpt.onnx", "input"), table("igpt.onnx", "output")


def test_the_engine_has_the_same() -> None:
    assert list(INPUTS.items()) == [(name, row[:2]) for name, row in GIVEN.items()]
    assert list(OUTPUTS.items()) == [(name, row[:2]) for name, row in YIELDED.items()]


def edges(values: str) -> tuple[list[float], list[float]]:
    """Numbers at the edges of what the page allows: allowed ones and refused ones."""
    if " .. " in values:
        colors = {"C": CONFIG.colors, "C - 1": CONFIG.colors - 1}
        least, most = (colors[text] if text in colors else int(text) for text in values.split(" .. "))
        return [least, most], [least - 1, most + 1]
    left, least, most, right = re.fullmatch(r"([\[(])(\S+), (\S+)([\])])", values).groups()
    low, high = float(least), float(most)
    allowed = [low + 0.5, *[low] * (left == "["), *[high] * (right == "]")]
    return allowed, [np.nan, low - 0.01, *[low] * (left == "("), high + (0.01 if right == "]" else 0)]


@pytest.mark.parametrize("name", GIVEN)
def test_the_engine_takes_values_within_theirs_alone(name: str) -> None:
    shape = Shape(CONFIG.layers, CONFIG.width, CONFIG.heads, CONFIG.positions, CONFIG.colors)
    sizes = {"B": 2, "P": 3, "R": 4, 1: 1}
    start = {name: np.full([sizes[size] for size in dimensions], 1, kind) for name, (kind, dimensions, _) in GIVEN.items()}
    start["uniforms"][:] = 0
    allowed, refused = edges(GIVEN[name][2])
    for value in allowed + refused:
        changed = {key: array.copy() for key, array in start.items()}
        changed[name].flat[-1] = value
        if value in allowed:
            read_request(changed, shape)
            continue
        with pytest.raises(BadRequest, match=f"^{name}: "):
            read_request(changed, shape)


def test_the_trainer_builds_graphs_with_them() -> None:
    places = layout(store(ImageGPT(CONFIG)))[1]
    sizes = {"L + 1": CONFIG.layers + 1, "D": CONFIG.width, "H": CONFIG.heads, "W": CONFIG.width // CONFIG.heads, "?": ""}

    def found(values) -> dict[str, tuple]:
        return {
            value.name: (
                onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).type,
                tuple(size.dim_value or size.dim_param for size in value.type.tensor_type.shape.dim),
            )
            for value in values
        }

    def written(section: str, kind: str) -> dict[str, tuple]:
        rows = table(section, kind).items()
        names = [(name.replace(".N", f".{n}"), row) for name, row in rows for n in range(CONFIG.layers if ".N" in name else 1)]
        return {name: (kind, tuple(sizes.get(size, size) for size in shape)) for name, (kind, shape, _) in names}

    for section, build in {"igpt.onnx": stateless_graph, "igpt-rows.onnx": rows_graph}.items():
        graph = build(CONFIG, places).graph
        assert found(graph.input) == written(section, "input")
        assert found(graph.output) == written(section, "output")
