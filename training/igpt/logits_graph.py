"""Writes `igpt-rows.onnx` with the logits as one more output, for engines to be held against distribution by distribution.

    python -m igpt.logits_graph --bundle ../r2-assets/models/igpt-base/1 --out FILE.onnx.gz
    python -m igpt.logits_graph --shapes --out ../test/golden/shapes

The first is of a bundle, with its weights (`bench/loss.ts`; `igpt.golden` writes the one of the shipped model). The
second is a set of small shapes without weights: tests fill them with random ones (test/golden/shapes.ts).
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

from . import bundle, graphs
from .model import Config, ImageGPT

# One, two and three heads of each width that kernels treat alike or not; palettes of no round size; odd lengths.
SHAPES = (
    Config(layers=1, width=16, heads=1, positions=140, colors=5),
    Config(layers=3, width=32, heads=2, positions=100, colors=33, bias=True),
    Config(layers=2, width=48, heads=1, positions=129, colors=64),
    Config(layers=1, width=96, heads=3, positions=66, colors=47, bias=True),
    Config(layers=2, width=64, heads=1, positions=200, colors=130),
    Config(layers=1, width=144, heads=3, positions=65, colors=19),
)


def write_logits_graph(path: Path, config: Config, places: list[bundle.Tensor]) -> None:
    """Compressed; the same bytes every time."""
    model = graphs.rows_graph(config, places, keep_logits=True)
    path.write_bytes(gzip.compress(model.SerializeToString(deterministic=True), mtime=0))


def places_of(folder: Path) -> list[bundle.Tensor]:
    """Where a bundle's tensors lie in its weights file."""
    return bundle.layout(bundle.read_weights(folder / bundle.WEIGHTS))[1]


def write_shapes(out: Path) -> None:
    """`N.onnx.gz`, and `shapes.json` with their architectures and where their weights' data begins in the file."""
    out.mkdir(parents=True, exist_ok=True)
    content = []
    for number, config in enumerate(SHAPES):
        _, places = bundle.layout(bundle.store(ImageGPT(config)))
        write_logits_graph(out / f"{number}.onnx.gz", config, places)
        content.append({"shape": config.to_dict(), "dataOffset": places[0].offset})
    (out / "shapes.json").write_text(json.dumps(content, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, help="a bundle's folder")
    parser.add_argument("--shapes", action="store_true", help="the small shapes that tests use")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.shapes == bool(args.bundle):
        parser.error("--bundle or --shapes")
    if args.shapes:
        write_shapes(args.out)
        return
    config = bundle.config_of(json.loads((args.bundle / bundle.MANIFEST).read_text()))
    write_logits_graph(args.out, config, places_of(args.bundle))


if __name__ == "__main__":
    main()
