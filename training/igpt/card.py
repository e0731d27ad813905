"""Writes a model's card: a text with placeholders, filled with what was measured.

    python -m igpt.card --text cards/igpt.md --bundle ../r2-assets/models/igpt-base/2 \\
        --measures ../r2-assets/models/igpt-base/measures.json --run base --out ../r2-assets/models/igpt-base/README.md

`--measures` is the JSON of `npm run evaluate`. A placeholder is `{name}`; `--list` shows all with their values.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

from . import bundle
from .checkpoint import run_directory
from .curve import read_curve, training_flop

SPACES = {
    "pixels": "whole picture, colour values (0-255)",
    "lowerHalf": "lower half, colour values (0-255)",
    "features": "embedding",
}
GROUPS = {"test": "test pictures", "unconditional": "samples from nothing", "completions": "completions of test pictures"}


class CardError(ValueError):
    """The card cannot be written; the message says what is missing."""


def facts(manifest: dict, measures: dict, curve: list[dict], epoch: int) -> dict[str, str]:
    """Every placeholder's text. `epoch` is how many pictures were trained on."""
    if (manifest["id"], manifest["version"]) != (measures["model"], measures["version"]):
        raise CardError(f"the measures are of {measures['model']} version {measures['version']}, not of this bundle")
    architecture, made, published = manifest["architecture"], manifest["provenance"], manifest.get("metrics", {})
    best = measures["bestLayer"]
    out = {
        "id": manifest["id"],
        "version": manifest["version"],
        "parameters": f"{manifest['parameters']:,}",
        **{name: f"{architecture[name]:,}" for name in ("layers", "width", "heads", "colors")},
        "precision": manifest["precision"],
        "testPictures": f"{measures['pictures']:,}",
        "palettePsnr": f"{measures['palettePsnr']:.2f}",
        "images": f"{made['images']:,}",
        "epochs": f"{made['images'] / epoch:.2f}",
        "hours": f"{made['seconds'] / 3600:.1f}",
        "petaflop": f"{made['images'] * training_flop(bundle.config_of(manifest)) / 1e15:.2f}",
        "nats": f"{measures['nllPerPixel']:.4f}",
        "natsError": f"{measures['nllStandardError']:.4f}",
        "bits": f"{measures['nllPerPixel'] / math.log(2):.3f}",
        "natsFloat": number(measures["nllPerPixelFloat"], 4),
        "quantisationCost": difference(measures["nllPerPixel"], measures["nllPerPixelFloat"]),
        "weightPictures": str(published.get("testPictures", "-")),
        "natsFloatWeights": number(published.get("testNllPerPixelFloat"), 5),
        "natsInt8Weights": number(published.get("testNllPerPixelTorch"), 5),
        "graphPictures": str(measures["graphPictures"]),
        "natsGraph": f"{measures['nllPerPixelGraph']:.5f}",
        "natsKernelSame": f"{measures['nllPerPixelOfGraphPictures']:.5f}",
        "natsUnigram": number(measures.get("nllPerPixelUnigram"), 3),
        "natsPreviousPixel": number(measures.get("nllPerPixelPreviousPixel"), 3),
        "probePictures": f"{measures['probePictures']:,}",
        "probePixels": share(measures["probePixels"]),
        "probePixelsPictures": f"{measures.get('probePixelsPictures', 0):,}",
        "bestLayer": str(best),
        "bestAccuracy": share(measures["probe"].get(str(best))),
        "embeddingLayer": str(measures["embeddingLayer"]),
        "embeddingAccuracy": share(measures["probe"].get(str(measures["embeddingLayer"]))),
        "precisionAt10": share(measures["precisionAt10"]),
        "precisionAt10BestLayer": share(measures["precisionAt10BestLayer"]),
        "probeTable": probe_table(measures["probe"]),
        "copyingTable": copying_table(measures.get("copying")),
        "copyingPictures": f"{measures.get('copying', {}).get('trainPictures', 0):,}",
    }
    return {**out, **anneal_facts(curve, made)}


def anneal_facts(curve: list[dict], made: dict) -> dict[str, str]:
    """How much of the training was the end with a falling rate."""
    def earlier(entry: dict) -> bool:
        return entry["images"] < made["images"] and entry["seconds"] < made["seconds"]

    starts = [entry for entry in curve if entry.get("event") == "anneal" and earlier(entry)]
    if not starts:
        return {"annealImages": "-", "annealMinutes": "-"}
    last = max(starts, key=lambda entry: entry["images"])
    return {
        "annealImages": f"{made['images'] - last['images']:,}",
        "annealMinutes": f"{(made['seconds'] - last['seconds']) / 60:.0f}",
    }


def number(value: float | None, digits: int) -> str:
    return "not measured" if value is None else f"{value:.{digits}f}"


def difference(value: float, other: float | None) -> str:
    return "not measured" if other is None else f"{value - other:+.4f}"


def share(value: float | None) -> str:
    return "not measured" if value is None else f"{100 * value:.1f}%"


def probe_table(probe: dict[str, float]) -> str:
    """Accuracy by layer, the best in bold."""
    best = max(probe.values(), default=None)
    cells = [f"**{share(value)}**" if value == best else share(value) for value in probe.values()]
    return "\n".join((f"| layer | {' | '.join(probe)} |", "|---" * (len(probe) + 1) + "|", f"| accuracy | {' | '.join(cells)} |"))


def copying_table(copying: dict | None) -> str:
    """Distance to the nearest training picture, by space and group."""
    if copying is None:
        return "Not measured."
    rows = [
        "| distance in | of | nearest of all | 1% | 10% | median | below the test pictures' 1% | relative, least | relative, median |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for space, title in SPACES.items():
        for group, numbers in copying[space].items():
            near, digits = numbers["nearest"], 3 if space == "features" else 1
            cells = [f"{near[quantile]:.{digits}f}" for quantile in ("0%", "1%", "10%", "50%")]
            below = share(numbers["nearerThanTest1Percent"])
            relative = " | ".join(f"{numbers['relative'][quantile]:.3f}" for quantile in ("0%", "50%"))
            rows.append(f"| {title} | {numbers['pictures']} {GROUPS[group]} | {' | '.join(cells)} | {below} | {relative} |")
    return "\n".join(rows)


def write_card(text: str, values: dict[str, str]) -> str:
    """The text with its placeholders filled."""
    try:
        return text.format_map(values)
    except KeyError as error:
        raise CardError(f"the text names {error}, of which nothing is known") from error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--measures", type=Path, required=True)
    parser.add_argument("--run", required=True, help="the run that made it, for its curve")
    parser.add_argument("--epoch", type=int, default=50_000, help="pictures in an epoch")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--list", action="store_true", help="print every placeholder and its text")
    args = parser.parse_args()
    manifest = json.loads((args.bundle / bundle.MANIFEST).read_text())
    curve = read_curve(run_directory(args.run) / "curve.jsonl")
    try:
        values = facts(manifest, json.loads(args.measures.read_text()), curve, args.epoch)
        if args.list:
            print("\n".join(f"{{{name}}}: {value}" for name, value in values.items()))
        if args.out:
            args.out.write_text(write_card(args.text.read_text(), values))
            print(f"wrote {args.out}")
    except CardError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
