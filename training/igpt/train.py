"""Trains an image GPT on photographs: warm-up, plateau and decay in one command.

    python -m igpt.train --run base --data mini.zip --data scenes.zip --test test.zip --minutes 10 --layers 12 --width 384 --heads 6
    python -m igpt.train --run mine --data pictures --init-from ../r2-assets/models/igpt-base/2 --minutes 5

The same command again goes on where the run was interrupted. The device is chosen by itself.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .cli.options import OPTIONS, add, command_parser
from .data.files import DataError
from .model.network import Config
from .training.options import FINE_TUNE, Options
from .training.run import train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add(parser, "--run", required=True)
    add(parser, "--data", action="append", required=True, help="folder or zip of pictures; may be given several times")
    add(parser, "--test")
    parser.add_argument("--hold-out", type=int, default=0, metavar="N", help="leave one of N pictures of --data out, to test on (unless --test says others)")
    add(parser, "--test-pictures", default=250)
    parser.add_argument("--test-minutes", type=float, default=5, help="minutes between tests; default %(default)s")
    parser.add_argument("--save-minutes", type=float, default=3, help="minutes between checkpoints; default %(default)s")
    add(parser, "--init-from", "--resolution")
    parser.add_argument("--palette", type=Path, help="file written by igpt.palette; for a run from nothing")
    shape = Config()
    for name in ("layers", "width", "heads"):
        parser.add_argument(f"--{name}", type=int, default=getattr(shape, name), help="default %(default)s")
    for name, value in vars(Options()).items():
        option = f"--{name.replace('_', '-')}"
        tuned = f", {FINE_TUNE[name]} with --init-from" if name in FINE_TUNE else ""
        shared = OPTIONS.get(option, {})
        said = f"{shared['help']}; " if shared else ""
        # The default of minutes is a whole number, which minutes need not be.
        parser.add_argument(option, type=shared.get("type", type(value)), help=f"{said}default {value}{tuned}")
    parser.add_argument("--device", default="auto", choices=("auto", "cuda", "mps", "cpu"), help="default: a GPU if there is one")
    parser.add_argument("--precision", default="auto", choices=("auto", "bfloat16", "float32"))
    parser.add_argument("--micro", type=int, help="pictures that go through the model at once; default what fits")
    parser.add_argument("--workers", type=int, help="processes that make crops; default all cores but one beside a GPU, else 1")
    parser.add_argument("--threads", type=int, help="of a CPU; default all")
    parser.add_argument("--same-batch", action="store_true", help="repeat the first batch, to see what making crops costs")
    parser.add_argument("--eager", action="store_true", help="do not compile the step")


def main() -> None:
    parser = command_parser("train", __doc__)
    add_arguments(parser)
    args = parser.parse_args()
    try:
        train(args)
    except (DataError, ValueError, FileNotFoundError) as error:
        sys.exit(f"igpt.train: {error}")


if __name__ == "__main__":
    main()
