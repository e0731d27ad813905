"""The inputs of golden values: small bundles with random weights, and pictures for the shipped model."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ..bundle.write import write_bundle
from ..data.palette import Palette
from ..model.network import Config, ImageGPT
from .golden import write_golden

PICTURES = Path(__file__).parents[3] / "web" / "pictures" / "32"


def random_model(config: Config, seed: int) -> ImageGPT:
    """A model whose layers all matter: weights large enough that attention is uneven and logits differ."""
    model = ImageGPT(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim == 2 and name.startswith(("blocks", "head")):
                parameter.copy_(1.2 * noise / parameter.shape[1] ** 0.5)
            elif "ln_" in name:
                parameter.copy_(1 + 0.2 * noise)
            else:
                parameter.copy_((0.1 if name.endswith("bias") else 0.5) * noise)
    return model.eval()


def small_bundles(out: Path) -> None:
    """`tiny` has the real geometry, `biased` real biases and another resolution, `half` is in half precision, `large` is for
    pictures of 64x64; all have random weights."""
    random = np.random.default_rng(7)
    shapes = {
        "tiny": ("int8", Config(layers=2, width=32, heads=2), [(0, 40), (1, 33), (150, 40), (1023, 1), (1024, 0)]),
        "biased": (
            "int8",
            Config(layers=3, width=48, heads=3, positions=256, colors=64, bias=True),
            [(0, 20), (130, 40), (256, 0)],
        ),
        "half": ("fp16", Config(layers=2, width=32, heads=2), [(0, 20), (992, 32), (1024, 0)]),
        "large": ("int8", Config(layers=2, width=32, heads=2, positions=4096), [(0, 20), (2112, 64), (4095, 1), (4096, 0)]),
    }
    for name, (precision, config, lengths) in shapes.items():
        folder = out / name
        shutil.rmtree(folder, ignore_errors=True)
        palette = Palette(random.integers(0, 256, (config.colors, 3), dtype=np.uint8))
        write_bundle(
            folder,
            # With 1 the likeliest colours of "large" end where the tests' top-p does: too near to be told apart.
            random_model(config, seed=2 if name == "large" else 1),
            palette,
            model_id=name,
            version="1",
            precision=precision,
            created="2026-11-22T00:00:00+00:00",
            sampling={"temperature": 0.9, "topP": 0.95} if name == "large" else None,
        )
        tokens = random.integers(0, config.colors, config.positions)
        write_golden(out, name, folder, [(f"{given} given", tokens[:given], count) for given, count in lengths])


def synthetic_picture(palette: Palette) -> NDArray[np.int64]:
    """A disc on a gradient, [1024] tokens."""
    y, x = np.mgrid[0:32, 0:32]
    rgb = np.stack([8 * x, 255 - 7 * y, 4 * (x + y)], axis=-1)
    rgb[(x - 20) ** 2 + (y - 14) ** 2 < 64] = (230, 60, 40)
    return palette.encode(rgb.astype(np.uint8)).reshape(-1).astype(np.int64)


def shipped_cases(palette: Palette) -> list[tuple[str, NDArray[np.int64], int]]:
    """A real photo that may be shipped (web/pictures/SOURCES.md), a synthetic picture, and nothing."""
    with Image.open(PICTURES / "astronaut.png") as image:
        photo = palette.encode(np.asarray(image.convert("RGB"))).reshape(-1).astype(np.int64)
    drawn = synthetic_picture(palette)
    return [
        ("photo, lower half", photo[:512], 512),
        ("photo", photo, 0),
        ("drawing, last rows", drawn[:928], 96),
        ("from nothing", photo[:0], 64),
    ]
