"""The palette: k-means colours in RGB, nearest by squared distance."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

COLORS = 512


@dataclass(frozen=True)
class Palette:
    """`rgb` uint8 [colors, 3]. A pixel's token is the index of the nearest colour; the lower index wins a tie."""

    rgb: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.rgb.dtype != np.uint8 or self.rgb.ndim != 2 or self.rgb.shape[1] != 3 or len(self.rgb) < 1:
            raise ValueError(f"a palette is uint8 [colors, 3], got {self.rgb.dtype} {self.rgb.shape}")

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Nearest colours, uint8 [..., 3] -> uint16 [...]. Exact: the distances are whole numbers."""
        flat = pixels.reshape(-1, 3)
        codes = flat.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
        seen, inverse = np.unique(codes, return_inverse=True)
        colors = np.stack((seen >> 16, (seen >> 8) & 255, seen & 255), axis=1).astype(np.float32)
        table = self.rgb.astype(np.float32)
        # |c|^2 - 2 c.x, all below 2^24 and so exact in float32; |x|^2 is the same for every colour.
        norms = (table**2).sum(1)
        nearest = np.empty(len(seen), np.uint16)
        for start in range(0, len(seen), 65536):
            part = colors[start : start + 65536]
            nearest[start : start + 65536] = (norms - 2 * part @ table.T).argmin(1)
        return nearest[inverse].reshape(pixels.shape[:-1])

    def decode(self, tokens: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Colours of tokens, [...] -> uint8 [..., 3]."""
        return self.rgb[tokens]

    def psnr(self, pixels: NDArray[np.uint8]) -> float:
        """10 log10(255^2 / mean squared error) in dB, the mean over all values of all pictures."""
        error = self.decode(self.encode(pixels)).astype(np.float32) - pixels
        return float(10 * np.log10(255**2 / np.mean(error**2, dtype=np.float64)))

    def digest(self) -> str:
        """SHA-256 of the colours."""
        return hashlib.sha256(self.rgb.tobytes()).hexdigest()

    def save(self, path: Path, **facts: object) -> None:
        """JSON `{colors: [[r, g, b], ...], ...facts}`, one colour a line."""
        rows = ",\n".join("    " + json.dumps(row) for row in self.rgb.tolist())
        head = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in facts.items())
        path.write_text(f'{{\n{head}  "colors": [\n{rows}\n  ]\n}}\n')

    @staticmethod
    def load(path: Path) -> Palette:
        """Reads what `save` wrote; raises ValueError for anything else."""
        colors = np.asarray(json.loads(path.read_text())["colors"])
        if colors.dtype.kind != "i" or colors.min() < 0 or colors.max() > 255:
            raise ValueError(f"{path}: colours are whole numbers from 0 to 255")
        return Palette(colors.astype(np.uint8))


def fit_palette(pixels: NDArray[np.uint8], colors: int = COLORS, seed: int = 0, sample: int = 4_000_000) -> Palette:
    """k-means over the pixels, uint8 [..., 3]; the same input and seed give the same palette.

    Sorted by luma, so that near indices are mostly near colours and the order does not depend on k-means' own.
    """
    from sklearn.cluster import MiniBatchKMeans

    flat = pixels.reshape(-1, 3)
    random = np.random.default_rng(seed)
    if len(flat) > sample:
        flat = flat[random.choice(len(flat), sample, replace=False)]
    if len(np.unique(flat, axis=0)) < colors:
        raise ValueError(f"the pictures have fewer than {colors} different colours; ask for fewer")
    means = MiniBatchKMeans(
        colors, batch_size=65536, n_init=1, max_iter=60, max_no_improvement=20, reassignment_ratio=0.002, random_state=seed
    ).fit(flat.astype(np.float32)).cluster_centers_
    rounded = np.clip(np.rint(means), 0, 255).astype(np.uint8)
    luma = rounded @ np.array([0.299, 0.587, 0.114])
    return Palette(rounded[np.lexsort((rounded[:, 2], rounded[:, 1], luma))])


def nearest_colors(pixels: Tensor, palette: Tensor) -> Tensor:
    """Tokens of uint8 [B, side, side, 3], int64 [B, side * side], on the palette's device: `Palette.encode` for a GPU.
    `palette` is float32 [colors, 3]. Exact: the distances are whole numbers below 2^24; the lower index wins a tie."""
    flat = pixels.reshape(-1, 3).to(palette.device, torch.float32, non_blocking=True)
    distances = torch.addmm(palette.square().sum(1), flat, palette.T, alpha=-2)
    return distances.argmin(1).view(len(pixels), -1)
