"""Draws the curve of a run against the pictures seen and the arithmetic done, as SVG or PNG.

    python -m igpt.curve --run base --out curve.svg
"""

from __future__ import annotations

from pathlib import Path

from .cli.options import add, command_parser
from .evaluation.plots import draw_curve
from .model.checkpoint import NAME, load_checkpoint, run_directory
from .model.flop import training_flop
from .model.network import Config
from .training.journal import CURVE, read_curve


def main() -> None:
    parser = command_parser("curve", __doc__)
    of = parser.add_mutually_exclusive_group(required=True)
    add(of, "--run")
    of.add_argument("--curve", type=Path, help="a curve.jsonl, instead of a run's")
    add(parser, "--checkpoint", help="whose shape to count the arithmetic of; default: the run's")
    add(parser, "--out", required=True)
    args = parser.parse_args()
    entries = read_curve(args.curve or run_directory(args.run) / CURVE)
    checkpoint = args.checkpoint or (run_directory(args.run) / NAME if args.run else None)
    config = Config(**load_checkpoint(checkpoint)["config"]) if checkpoint else Config()
    draw_curve(args.out, entries, training_flop(config))
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
