"""What a run starts from: fresh weights, a published bundle or a checkpoint, at its own resolution or another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ..bundle.manifest import MANIFEST, read_bundle
from ..data.palette import Palette
from ..model.checkpoint import load_checkpoint, load_model
from ..model.network import Config, ImageGPT


@dataclass(frozen=True)
class Start:
    """`base` is what went into the weights before this run (`bundle`, `images`, `step`, `seconds`), None for fresh ones."""

    model: ImageGPT
    palette: Palette
    base: dict | None


def fresh(config: Config, palette: Palette, seed: int) -> Start:
    """Random weights drawn from `seed`."""
    torch.manual_seed(seed)
    return Start(ImageGPT(replace(config, colors=len(palette.rgb))), palette, None)


def load_start(path: Path, side: int | None = None) -> Start:
    """The weights of a bundle's folder or of a checkpoint, for pictures of side x side (default: its own)."""
    if path.is_dir():
        if not (path / MANIFEST).exists():
            raise FileNotFoundError(f"{path} holds no {MANIFEST}; name the folder of a bundle's version, such as r2-assets/models/igpt-small/2")
        bundle = read_bundle(path)
        made = bundle.manifest.get("provenance", {})
        model, palette, name = bundle.model, Palette(bundle.palette), f"{bundle.manifest['id']}/{bundle.manifest['version']}"
    else:
        made = load_checkpoint(path)
        model, palette = load_model(path)
        name = path.name
    base = {"bundle": name, **{key: made.get(key, 0) for key in ("images", "step", "seconds")}}
    return Start(at_resolution(model.train(), side) if side else model.train(), palette, base)


def at_resolution(model: ImageGPT, side: int) -> ImageGPT:
    """The same model for pictures of side x side: its table of positions is interpolated in the plane, so that a place in
    the larger picture starts as the places around it in the smaller one; all other weights fit as they are."""
    if side * side == model.config.positions:
        return model
    changed = ImageGPT(replace(model.config, positions=side * side))
    weights = dict(model.state_dict())
    weights["wpe"] = interpolate_positions(weights["wpe"], side)
    changed.load_state_dict(weights)
    return changed


def interpolate_positions(table: Tensor, side: int) -> Tensor:
    """Bilinear in the plane, [old^2, width] -> [side^2, width] in raster order."""
    old = round(len(table) ** 0.5)
    plane = table.T.reshape(1, -1, old, old)
    scaled = F.interpolate(plane, size=(side, side), mode="bilinear", align_corners=False)
    return scaled.reshape(-1, side * side).T.contiguous()
