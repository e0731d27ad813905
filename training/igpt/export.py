"""Publishes a checkpoint as a bundle: int8 weights, both graphs, and what quantising cost.

    python -m igpt.export --checkpoint ~/.cache/igpt-edge/runs/photos/checkpoint.pt --id igpt-base --version 1 \\
        --data test.zip --out ../r2-assets --golden ../test/golden
"""

from __future__ import annotations

import argparse
import datetime
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from . import bundle, graphs
from .checkpoint import load_checkpoint, load_model
from .data import cached_pictures, cached_tokens
from .model import ImageGPT
from .palette import Palette

GRAPHS = {"igpt.onnx": graphs.stateless_graph, "igpt-rows.onnx": graphs.rows_graph}
Nats = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Tokens [B, positions] -> nats of each [B, positions]."""


def write_bundle(
    folder: Path,
    model: ImageGPT,
    palette: Palette,
    *,
    model_id: str,
    version: str,
    precision: str = "int8",
    embedding_layer: int | None = None,
    metrics: Callable[[Path], dict] | None = None,
    provenance: dict | None = None,
    created: str | None = None,
    sampling: dict | None = None,
) -> dict:
    """Writes `models/{id}/{version}` into a new folder and returns its manifest. A bundle is immutable: an existing
    folder is refused. `metrics` is called with the folder once weights and graphs are there."""
    config = model.config
    resolution = round(config.positions**0.5)
    if resolution**2 != config.positions:
        raise ValueError(f"{config.positions} positions are not a square picture")
    if palette.rgb.shape != (config.colors, 3):
        raise ValueError(f"the palette has {len(palette.rgb)} colours, the model {config.colors}")
    if folder.exists():
        raise bundle.BundleError(f"{folder} exists; bundles are immutable: take the next version")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    places = bundle.write_weights(partial / bundle.WEIGHTS, bundle.store(model, precision))
    for name, build in GRAPHS.items():
        (partial / name).write_bytes(build(config, places).SerializeToString(deterministic=True))
    manifest = {
        "format": bundle.FORMAT,
        "id": model_id,
        "version": version,
        "createdAt": created or datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "architecture": {**config.to_dict(), "resolution": resolution},
        "precision": precision,
        "parameters": sum(p.numel() for p in model.parameters()),
        "embeddingLayer": round(config.layers * 5 / 8) if embedding_layer is None else embedding_layer,
        "palette": palette.rgb.tolist(),
        "files": {name: bundle.file_facts(partial / name) for name in (bundle.WEIGHTS, *GRAPHS)},
        **({"sampling": sampling} if sampling else {}),
        "metrics": metrics(partial) if metrics else {},
        "provenance": provenance or {},
    }
    bundle.write_json(partial / bundle.MANIFEST, manifest)
    partial.rename(folder)
    return manifest


def torch_nats(model: ImageGPT) -> Nats:
    """The nats of PyTorch's forward pass."""

    @torch.no_grad()
    def run(tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        given = torch.from_numpy(tokens)
        logits = model(given).float()
        picked = torch.log_softmax(logits, -1).gather(2, given[..., None])
        return -picked[..., 0].numpy()

    return run


def open_graph(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """A graph of a bundle on the CPU, the weights being read from beside it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def stateless_inputs(tokens: NDArray[np.int64], forced: NDArray[np.int64]) -> dict[str, NDArray]:
    """Inputs of `igpt.onnx` with plain sampling and uniforms of 0."""
    batch = len(tokens)
    return {
        "tokens": tokens.astype(np.int64),
        "forced": forced.astype(np.int64),
        "uniforms": np.zeros(forced.shape, np.float32),
        "temperature": np.ones((batch, 1), np.float32),
        "top_k": np.zeros((batch, 1), np.int64),
        "top_p": np.ones((batch, 1), np.float32),
    }


def graph_nats(path: Path) -> Nats:
    """The nats of `igpt.onnx`."""
    session = open_graph(path)

    def run(tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        nothing = np.zeros((len(tokens), 0), np.int64)
        return session.run(["prefix_nll"], stateless_inputs(tokens, nothing))[0]

    return run


def mean_nats(nats: Nats, tokens: NDArray[np.integer], batch: int = 4) -> float:
    """Mean nats per pixel over pictures [N, positions], every pixel counted."""
    parts = [nats(tokens[i : i + batch].astype(np.int64)).mean(axis=1) for i in range(0, len(tokens), batch)]
    return float(np.concatenate(parts).mean(dtype=np.float64))


def measure(folder: Path, model: ImageGPT, tokens: NDArray[np.integer]) -> dict:
    """Float against stored weights on the same pictures, the latter by PyTorch and by onnxruntime."""
    stored = bundle.restored_model(model.config, bundle.read_weights(folder / bundle.WEIGHTS))
    return {
        "testPictures": len(tokens),
        "testNllPerPixel": round(mean_nats(graph_nats(folder / "igpt.onnx"), tokens), 5),
        "testNllPerPixelTorch": round(mean_nats(torch_nats(stored), tokens), 5),
        "testNllPerPixelFloat": round(mean_nats(torch_nats(model), tokens), 5),
    }


def spread(items: NDArray, count: int) -> NDArray:
    """`count` of the items, evenly spread, so that every class of a sorted set is among them."""
    return items[np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)]


def describe(contents: dict, trained: str | None = None) -> dict[str, object]:
    """A manifest's provenance: what the checkpoint says of its training."""
    base = contents.get("base")
    said = f"with igpt.train, going on from {base['bundle']}" if base else "from scratch with igpt.train"
    known = {name: contents[name] for name in ("images", "step", "seconds", "options", "data") if name in contents}
    return {"trained": trained or said, **known}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--id", required=True, help="the model's name in the bucket")
    parser.add_argument("--version", required=True, help="a whole number, higher than those before it")
    parser.add_argument("--out", type=Path, required=True, help="folder that mirrors the bucket, such as ../r2-assets")
    parser.add_argument("--data", type=Path, help="test pictures, folder or zip: measures what quantising costs")
    parser.add_argument("--test-pictures", type=int, default=200)
    parser.add_argument("--precision", choices=bundle.PRECISIONS, default="int8")
    parser.add_argument("--embedding-layer", type=int, help="the layer that embed uses by default")
    parser.add_argument("--temperature", type=float, help="recommended, as found by `npm run sampling`; with --top-p")
    parser.add_argument("--top-p", type=float, help="recommended; with --temperature")
    parser.add_argument("--trained", help="how the weights came about, for a checkpoint that does not say it itself")
    parser.add_argument("--keep-default", action="store_true", help="do not make it the bucket's default model")
    parser.add_argument("--golden", type=Path, help="write the shipped model's golden values into this folder too")
    parser.add_argument("--replace", action="store_true", help="remove a bundle of this version that was never published")
    args = parser.parse_args()
    if not args.version.isdecimal() or args.version.startswith("0"):
        parser.error("--version is a whole number from 1")

    if (args.temperature is None) != (args.top_p is None):
        parser.error("--temperature and --top-p go together")

    model, palette = load_model(args.checkpoint)
    provenance = describe(load_checkpoint(args.checkpoint), args.trained)

    def metrics(folder: Path) -> dict:
        if not args.data:
            return {}
        side = round(model.config.positions**0.5)
        tokens = spread(cached_tokens(args.data, palette, side), args.test_pictures)
        pixels = cached_pictures(args.data, side).pixels
        return {**measure(folder, model, tokens), "palettePsnr": round(palette.psnr(pixels), 3)}

    models = args.out / "models"
    folder = models / args.id / args.version
    if args.replace:
        shutil.rmtree(folder, ignore_errors=True)
    manifest = write_bundle(
        folder,
        model,
        palette,
        model_id=args.id,
        version=args.version,
        precision=args.precision,
        embedding_layer=args.embedding_layer,
        metrics=metrics,
        provenance=provenance,
        sampling={"temperature": args.temperature, "topP": args.top_p} if args.top_p else None,
    )
    bundle.add_to_index(models, args.id, args.version, default=not args.keep_default)
    if args.golden:
        # Imported late: it is made of this module.
        from .golden import shipped_cases, write_golden

        write_golden(args.golden, "shipped", folder, shipped_cases(palette), model)
    print(f"{folder}: {manifest['parameters']:,} parameters, {manifest['metrics']}")


if __name__ == "__main__":
    main()
