"""Writes `igpt-rows.onnx` with the logits as one more output, for engines to be held against distribution by distribution.

    python -m igpt.logits_graph --bundle ../r2-assets/models/igpt-base/2 --out FILE.onnx.gz
    python -m igpt.logits_graph --shapes --out ../test/golden/shapes

The first is of a bundle, with its weights (`bench/loss.ts`; `igpt.golden` writes the one of the shipped model). The
second is a set of small shapes without weights: tests fill them with random ones (test/golden/shapes.ts).
"""

from __future__ import annotations

from .bundle.graphs.logits import places_of, write_logits_graph, write_shapes
from .bundle.manifest import config_of, read_manifest
from .cli.options import add, command_parser


def main() -> None:
    parser = command_parser("logits_graph", __doc__)
    of = parser.add_mutually_exclusive_group(required=True)
    add(of, "--bundle")
    of.add_argument("--shapes", action="store_true", help="the small shapes that tests use")
    add(parser, "--out", required=True)
    args = parser.parse_args()
    if args.shapes:
        write_shapes(args.out)
    else:
        write_logits_graph(args.out, config_of(read_manifest(args.bundle)), places_of(args.bundle))


if __name__ == "__main__":
    main()
