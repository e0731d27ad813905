"""A set of pictures under evaluation, as a folder that Python and the Worker's engine both read and write.

`tokens.bin` uint16 [N, T], `labels.bin` int64 [N], `set.json`; what an engine said of them is in a folder of its name:
`nll.bin` float32 [N, 2] (mean nats a pixel of the whole picture, and of its lower half given the upper one) and `features.bin`
float32 [N, layers + 1, width]. An engine appends to both, so that a run that was ended goes on where it was.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import read_manifest
from ..bundle.weights import WEIGHTS
from ..data.labelled import Pictures
from ..data.palette import Palette

FACTS = "set.json"


@dataclass(frozen=True)
class PictureSet:
    """A folder's tokens and labels."""

    folder: Path
    tokens: NDArray[np.uint16]
    labels: NDArray[np.int64]
    facts: dict

    @staticmethod
    def read(folder: Path) -> PictureSet:
        facts = json.loads((folder / FACTS).read_text())
        tokens = np.fromfile(folder / "tokens.bin", np.uint16).reshape(facts["pictures"], facts["positions"])
        return PictureSet(folder, tokens, np.fromfile(folder / "labels.bin", np.int64), facts)

    @property
    def classes(self) -> list[str]:
        return self.facts["classes"]

    @property
    def sources(self) -> NDArray[np.str_]:
        """The outermost folder that each picture came in, [N]."""
        return np.asarray(self.facts["sources"])

    def nll(self, engine: str) -> NDArray[np.float32]:
        """Nats per pixel of every picture, [N]."""
        return self._nats(engine)[:, 0]

    def lower_nll(self, engine: str) -> NDArray[np.float32]:
        """Nats per pixel of every lower half given the upper one, [N]."""
        return self._nats(engine)[:, 1]

    def _nats(self, engine: str) -> NDArray[np.float32]:
        return np.fromfile(self.folder / engine / "nll.bin", np.float32).reshape(-1, 2)[: len(self.tokens)]

    def features(self, engine: str) -> NDArray[np.float32]:
        """[N, layers + 1, width], read from the disk as it is used."""
        shape = (len(self.tokens), *self.facts["features"])
        return np.memmap(self.folder / engine / "features.bin", np.float32, "r", shape=shape)


def write_set(folder: Path, tokens: NDArray[np.uint16], labels: NDArray[np.int64], manifest: dict, **facts: object) -> None:
    """Writes a set. What engines said of the one before it stays where the model is the same and either set begins with the
    other's pictures: so a set can grow."""
    architecture = manifest["architecture"]
    contents = {
        "weights": manifest["files"][WEIGHTS]["sha256"],
        "pictures": len(tokens),
        "positions": tokens.shape[1],
        "features": [architecture["layers"] + 1, architecture["width"]],
        **facts,
    }
    data = tokens.astype(np.uint16).tobytes()
    if not goes_on(folder, contents["weights"], data):
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokens.bin").write_bytes(data)
    labels.astype(np.int64).tofile(folder / "labels.bin")
    (folder / FACTS).write_text(json.dumps(contents))


def goes_on(folder: Path, weights: str, tokens: bytes) -> bool:
    """Whether what is in the folder is of the same weights and the same pictures, as far as both reach."""
    try:
        before, known = json.loads((folder / FACTS).read_text()), (folder / "tokens.bin").read_bytes()
    except (OSError, ValueError):
        return False
    return before["weights"] == weights and (known.startswith(tokens) or tokens.startswith(known))


def read_palette(bundle_folder: Path) -> tuple[dict, Palette]:
    """A bundle's manifest and its palette."""
    manifest = read_manifest(bundle_folder)
    return manifest, Palette(np.asarray(manifest["palette"], np.uint8))


def write_pictures(folder: Path, pictures: Pictures, tokens: NDArray[np.uint16], manifest: dict, palette: Palette) -> None:
    """Pictures of a data set with their classes; `tokens` are theirs in the palette."""
    write_set(
        folder,
        tokens,
        pictures.labels,
        manifest,
        classes=list(pictures.classes),
        sources=list(pictures.sources),
        palettePsnr=palette.psnr(pictures.pixels),
    )
