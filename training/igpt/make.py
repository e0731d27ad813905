"""From a folder of pictures to a bundle that the Worker serves: palette, training, its last part with a falling rate, export.

    python -m igpt.make --data pictures --id mine --minutes 60 --out ../r2-assets

The same command again goes on training where the last one ended, and makes the next version. What it does are the
modules `palette`, `train`, `anneal` and `export`, one after another; options it does not know go to `train`.
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

from . import bundle
from .checkpoint import NAME, run_directory
from .data import DataError, Pictures, load_pictures
from .palette import COLORS
from .train import Options

HELD_OUT = 20
"""One picture of so many is for tests, unless there are test pictures."""
ANNEALED = 0.25
"""Share of the time in which the rate falls."""


def prepare(data: Path, test: Path | None, directory: Path) -> tuple[Path, Path, Pictures]:
    """Two zips of pictures as the model sees them, to train on and to test on, and the former. Made once: a run that goes
    on must not test on what it has trained on."""
    files = directory / "train.zip", directory / "test.zip"
    if not all(file.exists() for file in files):
        pictures = load_pictures(data)
        order = np.random.default_rng(0).permutation(len(pictures.labels))
        held = 0 if test else max(1, len(order) // HELD_OUT)
        if held == len(order):
            raise DataError(f"{data} holds one picture; one must be left over for tests")
        write_zip(files[0], pictures, order[held:])
        if test:
            pictures = load_pictures(test)
            write_zip(files[1], pictures, range(len(pictures.labels)))
        else:
            write_zip(files[1], pictures, order[:held])
    return *files, load_pictures(files[0])


def write_zip(path: Path, pictures: Pictures, chosen) -> None:
    """The chosen pictures as PNG files in folders of their classes."""
    temporary = path.with_name(f".{path.name}")
    with zipfile.ZipFile(temporary, "w") as archive:
        for index in chosen:
            out = io.BytesIO()
            Image.fromarray(pictures.pixels[index]).save(out, "PNG")
            archive.writestr(f"{pictures.classes[pictures.labels[index]] or 'pictures'}/{index:06}.png", out.getvalue())
    temporary.rename(path)


def palette_size(pixels: np.ndarray) -> int:
    """512, or as many as there are, in whole multiples of what the native step takes where there are enough."""
    different = len(np.unique(pixels.reshape(-1, 3), axis=0))
    if different >= COLORS:
        return COLORS
    for multiple in (64, 16):
        if different >= multiple:
            return different // multiple * multiple
    return different


def next_version(models: Path, model_id: str) -> str:
    """One more than the highest version of the model in the index."""
    path = models / bundle.INDEX
    entry = json.loads(path.read_text())["models"].get(model_id) if path.exists() else None
    return str(max(map(int, entry["versions"]), default=0) + 1 if entry else 1)


def step(module: str, *arguments: object) -> None:
    """Runs a module of this package; what it prints is seen."""
    print(f"\n== {module} {' '.join(map(str, arguments))}", flush=True)
    done = subprocess.run([sys.executable, "-m", f"igpt.{module}", *map(str, arguments)])
    if done.returncode != 0:
        sys.exit(f"igpt.{module} ended with code {done.returncode}; what it said is above")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True, help="folder or zip; a picture's class is the name of its folder")
    parser.add_argument("--test", type=Path, help=f"test pictures; default: one of {HELD_OUT} of the others")
    parser.add_argument("--id", required=True, help="the model's name: small letters, digits, hyphens")
    parser.add_argument("--minutes", type=float, default=60, help="of training, a quarter of them with a falling rate")
    parser.add_argument("--out", type=Path, required=True, help="folder that mirrors the bucket, such as ../r2-assets")
    parser.add_argument("--threads", type=int, help="default: all cores")
    parser.add_argument("--step", default="auto", help="auto, native (AVX512-FP16), bfloat16, compiled or eager")
    args, for_train = parser.parse_known_args()
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", args.id):
        parser.error("--id is made of small letters, digits and hyphens")

    run = f"own-{args.id}"
    directory = run_directory(run)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        train, test, pictures = prepare(args.data, args.test, directory)
    except DataError as error:
        sys.exit(str(error))
    count = len(pictures.labels)
    print(f"{count} pictures to train on, in {len(pictures.classes)} classes")
    palette = directory / "palette.json"
    if not palette.exists():
        step("palette", "--train", train, "--test", test, "--out", palette, "--colors", palette_size(pictures.pixels))
    common = ["--run", run, "--data", train, "--test", test, "--step", args.step]
    common += ["--threads", args.threads] if args.threads else []
    if not (directory / NAME).exists() and "--batch" not in for_train:
        for_train += ["--batch", str(min(Options.batch, count))]
    minutes = (1 - ANNEALED) * args.minutes
    step("train", *common, "--palette", palette, "--minutes", minutes, "--epochs", 10**9, *for_train)
    step("anneal", *common, "--minutes", ANNEALED * args.minutes)
    version = next_version(args.out / "models", args.id)
    checkpoint = ("--checkpoint", directory / "annealed.pt")
    step("export", *checkpoint, "--id", args.id, "--version", version, "--data", test, "--out", args.out, "--keep-default")


if __name__ == "__main__":
    main()
