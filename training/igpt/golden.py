"""Writes golden values: what PyTorch computes for fixed inputs, for every engine to be held against. See test/golden/load.ts.

    python -m igpt.golden --small --out ../test/golden
    python -m igpt.golden --checkpoint CHECKPOINT --bundle ../r2-assets/models/igpt-base/2 --out ../test/golden

The first makes the small bundles with random weights too. The second is for the shipped model, with the checkpoint
that was exported; `igpt.export --golden` does the same.
"""

from __future__ import annotations

from .cli.options import add, command_parser
from .model.checkpoint import load_model
from .reference.cases import shipped_cases, small_bundles
from .reference.golden import write_golden


def main() -> None:
    parser = command_parser("golden", __doc__)
    add(parser, "--out", required=True, help="the folder test/golden")
    parser.add_argument("--small", action="store_true", help="the small bundles and their values")
    add(parser, "--bundle", help="the shipped bundle's folder")
    add(parser, "--checkpoint", help="what it was exported from: its float weights")
    args = parser.parse_args()
    if not args.small and not (args.bundle and args.checkpoint):
        parser.error("--small, or --bundle and --checkpoint")
    args.out.mkdir(parents=True, exist_ok=True)
    if args.small:
        small_bundles(args.out)
    if args.bundle:
        exact, palette = load_model(args.checkpoint)
        write_golden(args.out, "shipped", args.bundle, shipped_cases(palette), exact)


if __name__ == "__main__":
    main()
