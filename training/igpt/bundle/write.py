"""Writes a bundle: weights, both graphs, manifest."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable
from pathlib import Path

from ..data.palette import Palette
from ..model.network import ImageGPT
from .graphs.rows import rows_graph
from .graphs.stateless import stateless_graph
from .manifest import FORMAT, MANIFEST, file_facts, write_json
from .tensors import store
from .weights import WEIGHTS, BundleError, write_weights

GRAPHS = {"igpt.onnx": stateless_graph, "igpt-rows.onnx": rows_graph}


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
        raise BundleError(f"{folder} exists; bundles are immutable: take the next version")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    places = write_weights(partial / WEIGHTS, store(model, precision))
    for name, build in GRAPHS.items():
        (partial / name).write_bytes(build(config, places).SerializeToString(deterministic=True))
    manifest = {
        "format": FORMAT,
        "id": model_id,
        "version": version,
        "createdAt": created or datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "architecture": {**config.to_dict(), "resolution": resolution},
        "precision": precision,
        "parameters": sum(p.numel() for p in model.parameters()),
        "embeddingLayer": round(config.layers * 5 / 8) if embedding_layer is None else embedding_layer,
        "palette": palette.rgb.tolist(),
        "files": {name: file_facts(partial / name) for name in (WEIGHTS, *GRAPHS)},
        **({"sampling": sampling} if sampling else {}),
        "metrics": metrics(partial) if metrics else {},
        "provenance": provenance or {},
    }
    write_json(partial / MANIFEST, manifest)
    partial.rename(folder)
    return manifest
