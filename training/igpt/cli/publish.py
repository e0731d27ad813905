"""What the commands that publish a bundle have in common: their options, and the last step."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..bundle.manifest import add_to_index, announcement
from ..bundle.measure import measure_pictures
from ..bundle.tensors import PRECISIONS
from ..bundle.write import write_bundle
from ..data.palette import Palette
from ..model.network import ImageGPT
from .options import add


def add_publishing(parser: argparse.ArgumentParser, *, version: str | None, test_pictures: int, precision: str | None) -> None:
    """The defaults; without one the version must be given, and the precision is for the command to choose."""
    parser.add_argument("--id", required=True, help="the model's name in the bucket")
    parser.add_argument("--version", type=version_number, default=version, required=version is None, help="a whole number, higher than those before it")
    add(parser, "--out", required=True, help="folder that mirrors the bucket, such as ../r2-assets")
    parser.add_argument("--embedding-layer", type=int, help="the layer that embed uses by default")
    add(parser, "--data", help="test pictures, folder or zip: measures what quantising costs")
    add(parser, "--test-pictures", default=test_pictures)
    parser.add_argument("--default", action="store_true", help="make it the folder's default model")
    chosen = "int8 up to 100M parameters, else fp16" if precision is None else precision
    parser.add_argument("--precision", choices=PRECISIONS, default=precision, help=f"of the stored weights; default {chosen}")


def version_number(text: str) -> str:
    if not text.isdecimal() or text.startswith("0"):
        raise argparse.ArgumentTypeError("it is a whole number from 1")
    return text


def bundle_folder(args: argparse.Namespace) -> Path:
    return args.out / "models" / args.id / args.version


def publish(args: argparse.Namespace, model: ImageGPT, palette: Palette, **facts: Any) -> dict:
    """Writes the bundle that the options name and makes it its model's current version; returns the manifest. `facts` are
    those of `write_bundle`. It says first what it is about to change, and ends
    the command before any work when the version exists."""

    def metrics(folder: Path) -> dict:
        return measure_pictures(folder, model, palette, args.data, args.test_pictures) if args.data else {}

    models, folder = args.out / "models", bundle_folder(args)
    if folder.exists():
        sys.exit(f"{folder} exists; bundles are immutable: take the next version")
    print(announcement(models, args.id, args.version, args.default), flush=True)
    manifest = write_bundle(folder, model, palette, model_id=args.id, version=args.version, metrics=metrics, **facts)
    add_to_index(models, args.id, args.version, default=args.default)
    return manifest
