"""`igpt-rows.onnx` with the logits as one more output, for engines to be held against distribution by distribution."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from ...model.network import Config, ImageGPT
from ..tensors import store
from ..weights import WEIGHTS, Tensor, layout, read_weights
from .rows import rows_graph

# One, two and three heads of each width that kernels treat alike or not; palettes of no round size; odd lengths.
SHAPES = (
    Config(layers=1, width=16, heads=1, positions=140, colors=5),
    Config(layers=3, width=32, heads=2, positions=100, colors=33, bias=True),
    Config(layers=2, width=48, heads=1, positions=129, colors=64),
    Config(layers=1, width=96, heads=3, positions=66, colors=47, bias=True),
    Config(layers=2, width=64, heads=1, positions=200, colors=130),
    Config(layers=1, width=144, heads=3, positions=65, colors=19),
)


def write_logits_graph(path: Path, config: Config, places: list[Tensor]) -> None:
    """Compressed; the same bytes every time."""
    model = rows_graph(config, places, keep_logits=True)
    path.write_bytes(gzip.compress(model.SerializeToString(deterministic=True), mtime=0))


def places_of(folder: Path) -> list[Tensor]:
    """Where a bundle's tensors lie in its weights file."""
    return layout(read_weights(folder / WEIGHTS))[1]


def write_shapes(out: Path) -> None:
    """`N.onnx.gz`, and `shapes.json` with their architectures and where their weights' data begins in the file."""
    out.mkdir(parents=True, exist_ok=True)
    content = []
    for number, config in enumerate(SHAPES):
        _, places = layout(store(ImageGPT(config)))
        write_logits_graph(out / f"{number}.onnx.gz", config, places)
        content.append({"shape": config.to_dict(), "dataOffset": places[0].offset})
    (out / "shapes.json").write_text(json.dumps(content, indent=1) + "\n")
