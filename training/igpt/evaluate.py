"""The Python half of `npm run evaluate`: pictures to tokens before the Worker's engine runs, numbers after it.

    python -m igpt.evaluate tokens --data FILE --bundle FOLDER --out FOLDER [--most N]
    python -m igpt.evaluate report --bundle FOLDER --test FOLDER [--train FOLDER] --json FILE [--pictures FOLDER]

A folder in between holds `tokens.bin` (uint16 [N, T]), `labels.bin` (int64 [N]), `set.json`, and from the engine
`nll.bin` (float32 [N]) and `features.bin` (float32 [N, layers + 1, d]).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import bundle
from .checkpoint import load_model
from .data import cached_pictures, cached_tokens
from .export import graph_nats, mean_nats, spread, torch_nats
from .measures import halves, precision_at, probe_accuracy
from .palette import Palette


@dataclass(frozen=True)
class Evaluated:
    """A set of pictures and what the engine said of them."""

    tokens: NDArray[np.uint16]
    labels: NDArray[np.int64]
    nll: NDArray[np.float32]
    features: NDArray[np.float32]

    @staticmethod
    def read(folder: Path) -> Evaluated:
        labels = np.fromfile(folder / "labels.bin", np.int64)
        count = len(labels)
        shape = json.loads((folder / "set.json").read_text())["features"]
        return Evaluated(
            np.fromfile(folder / "tokens.bin", np.uint16).reshape(count, -1),
            labels,
            np.fromfile(folder / "nll.bin", np.float32),
            np.fromfile(folder / "features.bin", np.float32).reshape(count, *shape),
        )


def write_tokens(data: Path, bundle_folder: Path, out: Path, most: int) -> None:
    """Pictures in the bundle's palette; `most` of them, evenly spread over the classes, 0 = all."""
    manifest = json.loads((bundle_folder / bundle.MANIFEST).read_text())
    palette = Palette(np.asarray(manifest["palette"], np.uint8))
    pictures = cached_pictures(data)
    chosen = spread(np.arange(len(pictures.labels)), most or len(pictures.labels))
    out.mkdir(parents=True, exist_ok=True)
    tokens = cached_tokens(data, palette)[chosen]
    tokens.astype(np.uint16).tofile(out / "tokens.bin")
    pictures.labels[chosen].astype(np.int64).tofile(out / "labels.bin")
    architecture = manifest["architecture"]
    facts = {
        "pictures": len(chosen),
        "positions": tokens.shape[1],
        "features": [architecture["layers"] + 1, architecture["width"]],
        "classes": list(pictures.classes),
        "palettePsnr": palette.psnr(pictures.pixels[chosen]),
    }
    (out / "set.json").write_text(json.dumps(facts))


def report(folder: Path, test_folder: Path, train_folder: Path | None, checkpoint: Path | None, graph_pictures: int) -> dict:
    """The measures; see `npm run evaluate` in the docs for what each of them is."""
    manifest = json.loads((folder / bundle.MANIFEST).read_text())
    test = Evaluated.read(test_folder)
    if train_folder:
        train = Evaluated.read(train_folder)
        fit, fit_labels, score, score_labels = train.features, train.labels, test.features, test.labels
    else:
        first, second = halves(test.labels)
        fit, fit_labels = test.features[first], test.labels[first]
        score, score_labels = test.features[second], test.labels[second]
    several = len(np.unique(fit_labels)) > 1
    probe = {
        str(layer): probe_accuracy(fit[:, layer], fit_labels, score[:, layer], score_labels)
        for layer in range(test.features.shape[1])
        if several
    }
    some = spread(test.tokens, graph_pictures)
    return {
        "model": manifest["id"],
        "version": manifest["version"],
        "pictures": len(test.labels),
        "probePictures": len(fit_labels),
        "nllPerPixel": float(test.nll.mean(dtype=np.float64)),
        "nllPerPixelFloat": float_nats(test.tokens, checkpoint),
        "nllPerPixelGraph": mean_nats(graph_nats(folder / "igpt.onnx"), some),
        "graphPictures": len(some),
        "palettePsnr": json.loads((test_folder / "set.json").read_text())["palettePsnr"],
        "probe": probe,
        "bestLayer": int(max(probe, key=lambda layer: probe[layer])) if probe else None,
        "embeddingLayer": manifest["embeddingLayer"],
        "precisionAt10": precision_at(10, test.features[:, manifest["embeddingLayer"]], test.labels),
    }


def float_nats(tokens: NDArray[np.uint16], checkpoint: Path | None) -> float | None:
    """The loss of the float weights on the same pictures; None without them (a bundle holds int8 only)."""
    if checkpoint is None:
        return None
    model, _ = load_model(checkpoint)
    return mean_nats(torch_nats(model), tokens)


def draw(measures: dict, test_folder: Path, pictures: Path) -> None:
    """Accuracy by layer and the spread of nats over pictures, as one PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    layers = [int(layer) for layer in measures["probe"]]
    left.plot(layers, [100 * accuracy for accuracy in measures["probe"].values()], marker="o")
    left.set(title="Linear probe", xlabel="layer", ylabel="accuracy, %")
    right.hist(np.fromfile(test_folder / "nll.bin", np.float32), bins=60)
    right.axvline(measures["nllPerPixel"], color="black", linestyle="--")
    right.set(title=f"{measures['pictures']} pictures, mean {measures['nllPerPixel']:.3f}", xlabel="nats per pixel")
    pictures.mkdir(parents=True, exist_ok=True)
    figure.savefig(pictures / "evaluation.png", dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    tokens = commands.add_parser("tokens")
    tokens.add_argument("--data", type=Path, required=True)
    tokens.add_argument("--bundle", type=Path, required=True)
    tokens.add_argument("--out", type=Path, required=True)
    tokens.add_argument("--most", type=int, default=0)
    last = commands.add_parser("report")
    last.add_argument("--bundle", type=Path, required=True)
    last.add_argument("--test", type=Path, required=True)
    last.add_argument("--train", type=Path)
    last.add_argument("--checkpoint", type=Path)
    last.add_argument("--graph-pictures", type=int, default=100)
    last.add_argument("--json", type=Path, required=True)
    last.add_argument("--pictures", type=Path)
    args = parser.parse_args()
    if args.command == "tokens":
        write_tokens(args.data, args.bundle, args.out, args.most)
        return
    measures = report(args.bundle, args.test, args.train, args.checkpoint, args.graph_pictures)
    args.json.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_json(args.json, measures)
    if args.pictures:
        draw(measures, args.test, args.pictures)


if __name__ == "__main__":
    main()
