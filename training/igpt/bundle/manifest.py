"""A model as the Worker reads it: `models/{id}/{version}/` with manifest, weights and graphs, and `models/index.json`."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model.network import Config, ImageGPT
from .tensors import restored_model
from .weights import WEIGHTS, BundleError, read_weights

FORMAT = 1
MANIFEST, INDEX = "manifest.json", "index.json"


@dataclass(frozen=True)
class Bundle:
    """A bundle read back: its manifest, and the float model that its weights stand for."""

    manifest: dict
    model: ImageGPT

    @property
    def palette(self) -> NDArray[np.uint8]:
        return np.asarray(self.manifest["palette"], np.uint8)


def read_manifest(folder: Path) -> dict:
    """The manifest of `models/{id}/{version}`, whose files are not looked at. Raises BundleError."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder / MANIFEST}: {error}") from error
    if manifest.get("format") != FORMAT:
        raise BundleError(f"{folder / MANIFEST}: format {manifest.get('format')}, this program reads {FORMAT}")
    return manifest


def read_bundle(folder: Path) -> Bundle:
    """Reads and checks `models/{id}/{version}`; the model is the dequantised one, a starting point for training too."""
    manifest = read_manifest(folder)
    for name, facts in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise BundleError(f"{path} is missing")
        if file_facts(path) != facts:
            raise BundleError(f"{path} does not match its checksum in {MANIFEST}")
    return Bundle(manifest, restored_model(config_of(manifest), read_weights(folder / WEIGHTS)))


def config_of(manifest: dict) -> Config:
    architecture = manifest["architecture"]
    names = ("layers", "width", "heads", "positions", "colors", "bias")
    return Config(**{name: architecture[name] for name in names})


def file_facts(path: Path) -> dict[str, object]:
    """`{bytes, sha256}` of a file."""
    contents = path.read_bytes()
    return {"bytes": len(contents), "sha256": hashlib.sha256(contents).hexdigest()}


def write_json(path: Path, content: object) -> None:
    """Written whole or not at all: a reader never sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    # A palette of 512 colours reads better with a colour a line.
    text = re.sub(r"\[\s+(\d+),\s+(\d+),\s+(\d+)\s+\]", r"[\1, \2, \3]", json.dumps(content, indent=2))
    temporary.write_text(text + "\n")
    temporary.rename(path)


def add_to_index(models: Path, model_id: str, version: str, default: bool) -> None:
    """Makes `version` the current one of a model in `models/index.json`; the last step of publishing."""
    path = models / INDEX
    index = json.loads(path.read_text()) if path.exists() else {"format": FORMAT, "default": model_id, "models": {}}
    entry = index["models"].setdefault(model_id, {"version": version, "versions": []})
    entry["version"] = version
    entry["versions"] = sorted({*entry["versions"], version}, key=int)
    if default:
        index["default"] = model_id
    write_json(path, index)


def announcement(models: Path, model_id: str, version: str, default: bool) -> str:
    """What writing a bundle and `add_to_index` are about to change, for who started the command."""
    path = models / INDEX
    index = json.loads(path.read_text()) if path.exists() else {"default": None, "models": {}}
    entry, before = index["models"].get(model_id), index["default"]
    after = model_id if default or before is None else before
    instead = f", instead of version {entry['version']}" if entry else ", a new model"
    kept = f"stays {after}" if after == before else f"becomes {after}, was {before or 'none'}"
    return f"about to write {models / model_id / version}, as {model_id}'s current version{instead}; the folder's default model {kept}"
