"""Tiny data, and a cache directory of each test's own."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from igpt.model.network import Config, ImageGPT


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("IGPT_EDGE_CACHE", str(path))
    return path


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Models this small gain nothing from a second thread, and wait for it whenever the machine does something else."""
    torch.set_num_threads(1)


def picture(seed: int, size: tuple[int, int] = (32, 32)) -> np.ndarray:
    """A smooth random picture, uint8 [height, width, 3]: noise alone would leave nothing to learn."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def randomised(config: Config) -> ImageGPT:
    """A model whose every weight matters: fresh ones have projections of zero."""
    model = ImageGPT(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if "ln_" in name else 0.0, 0.1 if "ln_" in name else 0.06)
    return model


def png(pixels: np.ndarray) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A zip of 24 pictures in two classes, with things in it that are none."""
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as file:
        for i in range(24):
            file.writestr(f"set/{'cat' if i % 2 else 'ant'}/{i:04}.png", png(picture(i)))
        file.writestr("set/readme.txt", "no picture")
        file.writestr("__MACOSX/set/cat/._0001.png", b"no picture either")
    return path
