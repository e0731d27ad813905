from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import picture

from igpt.data.palette import Palette, fit_palette

PIXELS = np.stack([picture(i) for i in range(12)])


def test_the_same_seed_gives_the_same_palette() -> None:
    assert np.array_equal(fit_palette(PIXELS, 32, seed=5).rgb, fit_palette(PIXELS, 32, seed=5).rgb)
    assert not np.array_equal(fit_palette(PIXELS, 32, seed=5).rgb, fit_palette(PIXELS, 32, seed=6).rgb)


def test_more_colours_come_closer() -> None:
    assert fit_palette(PIXELS, 128).psnr(PIXELS) > fit_palette(PIXELS, 16).psnr(PIXELS) + 5


def test_encode_is_the_nearest_colour_and_ties_go_to_the_lower_index() -> None:
    random = np.random.default_rng(0)
    palette = Palette(random.integers(0, 256, (40, 3), dtype=np.uint8))
    pixels = random.integers(0, 256, (500, 3), dtype=np.uint8)
    distances = ((pixels[:, None].astype(int) - palette.rgb[None].astype(int)) ** 2).sum(2)
    assert np.array_equal(palette.encode(pixels), distances.argmin(1))
    assert Palette(np.array([[9, 0, 0], [11, 0, 0], [11, 0, 0]], np.uint8)).encode(
        np.array([[10, 0, 0], [11, 0, 0]], np.uint8)
    ).tolist() == [0, 1]


def test_colours_of_the_palette_survive() -> None:
    palette = fit_palette(PIXELS, 64)
    distinct, index = np.unique(palette.rgb, axis=0, return_index=True)
    assert np.array_equal(palette.encode(distinct), index)
    assert np.array_equal(palette.decode(palette.encode(distinct)), distinct)


def test_psnr_of_a_known_error() -> None:
    palette = Palette(np.array([[100, 100, 100]], np.uint8))
    assert palette.psnr(np.full((4, 4, 3), 105, np.uint8)) == pytest.approx(10 * np.log10(255**2 / 25))


def test_saved_and_loaded(tmp_path: Path) -> None:
    palette = fit_palette(PIXELS, 16)
    palette.save(tmp_path / "p.json", seed=0)
    assert np.array_equal(Palette.load(tmp_path / "p.json").rgb, palette.rgb)
    (tmp_path / "bad.json").write_text('{"colors": [[0, 0, 256]]}')
    with pytest.raises(ValueError, match="0 to 255"):
        Palette.load(tmp_path / "bad.json")


def test_too_few_colours_to_cluster() -> None:
    with pytest.raises(ValueError, match="fewer than 8"):
        fit_palette(np.zeros((10, 3), np.uint8), 8)


def test_the_shipped_palette() -> None:
    palette = Palette.load(Path(__file__).parents[1] / "palettes" / "photos.json")
    assert palette.rgb.shape == (512, 3)
    assert len(np.unique(palette.rgb, axis=0)) == 512
