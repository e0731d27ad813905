"""Draws the curve of a run against the pictures seen and the arithmetic done, as SVG or PNG.

    python -m igpt.curve --run base --out curve.svg
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .checkpoint import NAME, load_checkpoint, run_directory
from .model import Config


def read_curve(path: Path) -> list[dict]:
    """Entries of a `curve.jsonl` in order of pictures; where a run went back to a checkpoint, what it redid counts."""
    entries: list[dict] = []
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if entry.get("event") in ("resumed", "started"):
            entries = [earlier for earlier in entries if earlier["images"] <= entry["images"]]
        entries.append(entry)
    return entries


def training_flop(config: Config) -> float:
    """Floating-point operations to train on one picture: two for each multiply-add, causal attention counted as the half
    that it is, the way back twice the way there."""
    width, length = config.width, config.positions
    products = length * (12 * config.layers * width**2 + width * config.colors)
    attention = config.layers * length * (length + 1) * width
    return 3 * 2.0 * (products + attention)


def main() -> None:
    from .evaluation.plots import pyplot

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", help="name of a run")
    parser.add_argument("--curve", type=Path, help="a curve.jsonl, instead of a run's")
    parser.add_argument("--checkpoint", type=Path, help="whose shape to count the arithmetic of; default: the run's")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if (args.run is None) == (args.curve is None):
        parser.error("give --run or --curve")
    entries = read_curve(args.curve or run_directory(args.run) / "curve.jsonl")

    checkpoint = args.checkpoint or (run_directory(args.run) / NAME if args.run else None)
    config = Config(**load_checkpoint(checkpoint)["config"]) if checkpoint else Config()

    figure, axes = pyplot().subplots(figsize=(8, 4.5), layout="constrained")
    kinds = {
        "loss": ("training", {"linewidth": 0.8, "alpha": 0.6}),
        "test": ("test", {"marker": "o", "markersize": 3}),
        "testLower": ("test, lower half given the upper", {"marker": "s", "markersize": 3}),
    }
    for key, (label, style) in kinds.items():
        points = [(entry["images"], entry[key]) for entry in entries if key in entry]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, **style)
    axes.set(xlabel="pictures seen", ylabel="nats per pixel", ylim=(None, 4))
    axes.grid(alpha=0.3)
    axes.legend()
    petaflop = training_flop(config) / 1e15
    above = axes.secondary_xaxis("top", functions=(lambda pictures: pictures * petaflop, lambda done: done / petaflop))
    above.set_xlabel("compute, PFLOP")
    figure.savefig(args.out, metadata={"Date": None} if args.out.suffix == ".svg" else None)
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
