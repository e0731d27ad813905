"""The Python half of `npm run evaluate`: pictures to tokens before the engines run, numbers and drawings after it.

    python -m igpt.evaluate tokens   --data FILE --bundle FOLDER --out SET [--most N]
    python -m igpt.evaluate trained  --data FILE [--data FILE] --bundle FOLDER --out FOLDER [--crops N]
    python -m igpt.evaluate features --set SET --bundle FOLDER --engine torch|float [--checkpoint FILE]
    python -m igpt.evaluate fast-torch
    python -m igpt.evaluate queries  --work FOLDER --bundle FOLDER
    python -m igpt.evaluate report   --work FOLDER --bundle FOLDER --engine torch|kernel --json FILE [--pictures FOLDER]

`SET` is a folder as in `evaluation/pictureset.py`. `--work` holds the sets `test`, `train`, `completed`, `sheet`, `queries`
and the folders `samples` and `trained`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from .bundle.manifest import read_bundle, write_json
from .bundle.weights import BundleError
from .cli.options import add, command_parser
from .data.files import DataError
from .data.labelled import Pictures, cached_pictures, cached_tokens, load_files
from .evaluation import plots
from .evaluation.copying import closest
from .evaluation.forward import run_set
from .evaluation.pictureset import PictureSet, read_palette, write_pictures
from .evaluation.report import KERNEL, Work, compared_with, report
from .evaluation.samples import by_temperature, compared_groups, read_samples, write_queries
from .evaluation.sheets import draw_grid, draw_pairs, draw_temperatures
from .evaluation.trained import read_trained
from .model.checkpoint import load_model
from .model.device import choose_device

NEAREST = 8
"""Samples drawn above the training pictures that they are nearest to."""


def tokens(args: argparse.Namespace) -> None:
    """Pictures in the bundle's palette; `--most` of them, 0 = all, in an order that is random but the same each time, so
    that fewer are the first of more."""
    manifest, palette = read_palette(args.bundle)
    side = manifest["architecture"]["resolution"]
    if args.file:
        pictures = load_files(args.file, side)
        encoded = palette.encode(pictures.pixels).reshape(len(pictures.labels), -1)
    else:
        everything = cached_pictures(args.data, side)
        count = len(everything.labels)
        chosen = np.random.default_rng(0).permutation(count)[: args.most or count]
        sources = tuple(everything.sources[index] for index in chosen)
        pictures = Pictures(everything.pixels[chosen], everything.labels[chosen], everything.classes, sources)
        encoded = cached_tokens(args.data, palette, side)[chosen]
    write_pictures(args.out, pictures, encoded, manifest, palette)
    print(f"{len(encoded)} pictures, classes: {', '.join(shortened(pictures.classes))}")


def trained(args: argparse.Namespace) -> None:
    """The pictures that the model was trained on, in its palette: what samples are held against."""
    manifest, palette = read_palette(args.bundle)
    read_trained(args.data, palette, manifest["architecture"]["resolution"], args.crops).write(args.out)


def shortened(names: tuple[str, ...], most: int = 12) -> list[str]:
    return [name or "(none)" for name in names[:most]] + ([f"... {len(names)} in all"] if len(names) > most else [])


def features(args: argparse.Namespace) -> None:
    """Nats and features of a set, by the bundle's weights as floats or by a checkpoint's."""
    model = load_model(args.checkpoint)[0] if args.checkpoint else read_bundle(args.bundle).model
    run_set(PictureSet.read(args.set), args.engine, model, args.threads)


def fast_torch(args: argparse.Namespace) -> None:
    """Exit code 0 where PyTorch computes features faster than the kernel does, on a GPU or in bfloat16; else 3."""
    device = choose_device()
    if device.kind == "cpu" and not device.bfloat16:
        sys.exit(3)


def queries(args: argparse.Namespace) -> None:
    """The pictures that are held against the training pictures, as a set."""
    manifest, _ = read_palette(args.bundle)
    groups = compared_groups(PictureSet.read(args.work / "completed"), args.work / "samples")
    write_queries(args.work / "queries", groups, manifest)


def write_report(args: argparse.Namespace) -> None:
    """The JSON, and with `--pictures` the drawings."""
    work = Work.open(args.bundle, args.work, args.engine)
    measures, spaces = report(work, args.graph_pictures)
    args.json.parent.mkdir(parents=True, exist_ok=True)
    write_json(args.json, measures)
    if not args.pictures:
        return
    _, palette = read_palette(args.bundle)
    out = args.pictures
    if measures["probe"]:
        plots.draw_probe(out / "probe.svg", measures["probe"], measures["probePixels"], measures["pictures"])
    plots.draw_nats(out / "nats.svg", work.test.nll(KERNEL))
    if spaces:
        titles = {"pixels": "whole picture", "lowerHalf": "lower half", "features": "embedding"}
        plots.draw_copying(out / "copying.svg", {titles[name]: space for name, space in spaces.items()})
        samples = read_samples(work.samples, "unconditional").reshape(-1, work.test.tokens.shape[1])
        draw_pairs(out / "nearest.png", *closest(samples, compared_with(work).tokens, palette, NEAREST), palette)
    if (args.work / "sheet").exists():
        sheet = PictureSet.read(args.work / "sheet")
        drawn = by_temperature(work.samples)
        draw_temperatures(out / "temperatures.png", sheet.tokens, list(drawn.values()), palette)
        draw_grid(out / "unconditional.png", read_samples(work.samples, "unconditional")[0, :64], palette)


def main() -> None:
    parser = command_parser("evaluate", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], None], *needed: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name)
        added.set_defaults(run=run)
        add(added, *needed, required=True)
        return added

    added = command("tokens", tokens, "--bundle", "--out")
    source = added.add_mutually_exclusive_group(required=True)
    add(source, "--data")
    source.add_argument("--file", type=Path, action="append", help="a picture; may be repeated")
    added.add_argument("--most", type=int, default=0, help="how many pictures; 0 = all")
    added = command("trained", trained, "--bundle", "--out")
    add(added, "--data", action="append", required=True, help="folder or zip of pictures; may be repeated")
    added.add_argument("--crops", type=int, default=4, help="random crops of each picture, beside its middle; default %(default)s")
    added = command("features", features, "--bundle", "--engine")
    added.add_argument("--set", type=Path, required=True, help="folder of a set")
    add(added, "--checkpoint", help="whose weights to use instead of the bundle's")
    added.add_argument("--threads", type=int, default=torch.get_num_threads())
    command("fast-torch", fast_torch)
    command("queries", queries, "--bundle", "--work")
    added = command("report", write_report, "--bundle", "--engine", "--work")
    added.add_argument("--json", type=Path, required=True)
    added.add_argument("--graph-pictures", type=int, default=100)
    added.add_argument("--pictures", type=Path, help="folder for the drawings")
    args = parser.parse_args()
    try:
        args.run(args)
    except (DataError, BundleError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
