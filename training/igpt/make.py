"""From a folder of pictures to a bundle that the Worker serves: a shipped model fine-tuned on them, or one from nothing.

    python -m igpt.make --data pictures --id mine --out ../r2-assets --init-from ../r2-assets/models/igpt-small/2
    python -m igpt.make --data pictures --id mine --out ../r2-assets --from-scratch --minutes 60

The same command again goes on with what the last one made, and makes the next version. What it does are the modules
`palette`, `train` and `export`, one after another; options it does not know go to `train`.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from .bundle.manifest import INDEX, announcement
from .cli.options import add, command_parser
from .data.decode import decode_middle
from .data.files import DataError
from .data.labelled import SIDE
from .data.palette import COLORS
from .data.photos import Photos, load_photos
from .model.checkpoint import NAME, load_checkpoint, run_directory
from .training.start import load_start

HELD_OUT = 20
"""One picture of so many is for tests, unless there are test pictures."""
FINISHED = "finished.pt"
FOR_TESTS = 500
"""So many of those held out are measured on, at most."""


def write_tests(path: Path, photos: Photos) -> None:
    """A zip of the pictures that were held out."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, contents in list(photos.held_out.items())[:FOR_TESTS]:
            archive.writestr(name, contents)


def write_squares(path: Path, photos: Photos, side: int) -> np.ndarray:
    """A zip of the middle squares to choose a palette from; their pixels, uint8 [N, side, side, 3]."""
    pixels = np.stack([decode_middle("picture", contents, side) for contents in photos.files[:20_000]])
    with zipfile.ZipFile(path, "w") as archive:
        for index, picture in enumerate(pixels):
            out = io.BytesIO()
            Image.fromarray(picture).save(out, "PNG")
            archive.writestr(f"pictures/{index:06}.png", out.getvalue())
    return pixels


def palette_size(pixels: np.ndarray) -> int:
    """512, or as many as there are, in whole multiples of what the kernel takes where there are enough."""
    different = len(np.unique(pixels.reshape(-1, 3), axis=0))
    if different >= COLORS:
        return COLORS
    for multiple in (64, 16):
        if different >= multiple:
            return different // multiple * multiple
    return different


def next_version(models: Path, model_id: str) -> str:
    """One more than the highest version of the model, in the index or in a folder that no index names."""
    path = models / INDEX
    entry = json.loads(path.read_text())["models"].get(model_id) if path.exists() else None
    folders = [folder.name for folder in (models / model_id).glob("*") if folder.name.isdecimal()]
    return str(max(map(int, [*(entry["versions"] if entry else []), *folders]), default=0) + 1)


def step(module: str, *arguments: object) -> None:
    """Runs a module of this package; what it prints is seen."""
    print(f"\n== {module} {' '.join(map(str, arguments))}", flush=True)
    done = subprocess.run([sys.executable, "-m", f"igpt.{module}", *map(str, arguments)])
    if done.returncode != 0:
        sys.exit(f"igpt.{module} ended with code {done.returncode}; what it said is above")


def beginning(directory: Path, args: argparse.Namespace, photos: Photos, side: int, test: Path) -> list[object]:
    """Options for `train` that say what the run starts from: what an earlier command finished, a trained model, or nothing."""
    checkpoint, finished = directory / NAME, directory / FINISHED
    if checkpoint.exists() and load_checkpoint(checkpoint)["finished"]:
        checkpoint.rename(finished)
    if finished.exists():
        return ["--init-from", finished]
    if not args.from_scratch:
        return ["--init-from", args.init_from]
    palette = directory / "palette.json"
    if not palette.exists():
        squares = directory / "squares.zip"
        pixels = write_squares(squares, photos, side)
        step("palette", "--train", squares, "--test", test, "--out", palette, "--colors", palette_size(pixels))
    return ["--palette", palette]


def main() -> None:
    parser = command_parser("make", __doc__, allow_abbrev=False)
    add(parser, "--data", required=True, help="folder or zip; a picture's class is the name of its folder")
    add(parser, "--test", help=f"test pictures; default: one of {HELD_OUT} of the others")
    parser.add_argument("--id", required=True, help="the model's name: small letters, digits, hyphens")
    add(parser, "--init-from")
    parser.add_argument("--from-scratch", action="store_true", help="random weights and a palette of its own instead")
    add(parser, "--resolution")
    add(parser, "--minutes", help="of training; default 5, 60 from scratch")
    add(parser, "--out", required=True, help="folder that mirrors the bucket, such as ../r2-assets")
    args, for_train = parser.parse_known_args()
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", args.id):
        parser.error("--id is made of small letters, digits and hyphens")
    if (args.init_from is None) != args.from_scratch:
        parser.error("say either --init-from, a model to fine-tune, or --from-scratch")

    models, directory = args.out / "models", run_directory(f"own-{args.id}")
    version = next_version(models, args.id)
    print(announcement(models, args.id, version, default=False))
    print(f"{'goes on from' if (directory / NAME).exists() else 'keeps the run in'} {directory}", flush=True)
    directory.mkdir(parents=True, exist_ok=True)
    side = args.resolution or (SIDE if args.from_scratch else round(load_start(args.init_from).model.config.positions**0.5))
    hold_out = 0 if args.test else HELD_OUT
    try:
        photos = load_photos([args.data], side, hold_out)
    except DataError as error:
        sys.exit(str(error))
    print(f"{len(photos)} pictures to train on, {len(photos.held_out)} held out")
    test = args.test
    if test is None:
        test = directory / "test.zip"
        write_tests(test, photos)
    minutes = args.minutes or (60 if args.from_scratch else 5)
    common = ["--run", f"own-{args.id}", "--data", args.data, "--test", test, "--hold-out", hold_out, "--minutes", minutes]
    common += ["--resolution", args.resolution] if args.resolution else []
    common += [] if "--batch" in for_train else ["--batch", 16]
    step("train", *common, *beginning(directory, args, photos, side, test), *for_train)
    if not load_checkpoint(directory / NAME)["finished"]:
        sys.exit("stopped before the end; the same command goes on")
    checkpoint = ("--checkpoint", directory / NAME)
    step("export", *checkpoint, "--id", args.id, "--version", version, "--data", test, "--out", args.out)


if __name__ == "__main__":
    main()
