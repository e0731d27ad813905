from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import picture, png
from PIL import Image

from igpt.data import photos as made_by
from igpt.data.crops import Crops, batches, random_crop
from igpt.data.files import DataError
from igpt.data.palette import Palette, nearest_colors
from igpt.data.photos import Photos, load_photos


def photos(count: int = 6, size: tuple[int, int] = (90, 64)) -> Photos:
    return Photos([png(picture(seed, size)) for seed in range(count)], {})


def taken(crops: Crops, first: int, count: int, workers: int = 0) -> list[torch.Tensor]:
    stream: Iterator[torch.Tensor] = batches(crops, first, workers, pinned=False)
    return list(islice(stream, count))


def test_a_batch_depends_on_seed_and_place_alone() -> None:
    crops = Crops(photos(), size=4, side=32, seed=3)
    straight = taken(crops, 0, 4)
    resumed = taken(Crops(photos(), size=4, side=32, seed=3), 2, 2)
    assert all(a.equal(b) for a, b in zip(straight[2:], resumed, strict=True))
    by_workers = taken(Crops(photos(), size=4, side=32, seed=3), 0, 4, workers=2)
    assert all(a.equal(b) for a, b in zip(straight, by_workers, strict=True))
    assert not straight[0].equal(taken(Crops(photos(), size=4, side=32, seed=4), 0, 1)[0])
    assert straight[0].shape == (4, 32, 32, 3) and straight[0].dtype == torch.uint8


def test_an_epoch_has_every_picture_once_and_another_crop_of_each() -> None:
    flat = Photos([png(np.full((64, 64, 3), 20 * n, np.uint8)) for n in range(6)], {})
    seen = [int(batch[i].float().mean()) // 20 for batch in taken(Crops(flat, 3, 32, seed=1), 0, 4) for i in range(3)]
    assert sorted(seen[:6]) == list(range(6)) and sorted(seen[6:]) == list(range(6)) and seen[:6] != seen[6:]
    one = Photos([png(picture(0, (90, 64)))], {})
    first, second = taken(Crops(one, 1, 32, seed=0), 0, 2)
    assert not first.equal(second)


def test_a_crop_is_a_square_within_the_picture_and_not_too_small() -> None:
    # Columns count up from left to right, so that a crop tells where it was and how wide.
    ramp = Image.fromarray(np.tile(np.arange(200, dtype=np.uint8)[None, :, None], (100, 1, 3)))
    widths = []
    for seed in range(200):
        crop = random_crop(ramp, 32, np.random.default_rng(seed)).astype(int)[16, :, 0]
        crop = crop if crop[0] < crop[-1] else crop[::-1]
        assert 0 <= crop[0] and crop[-1] <= 199
        widths.append((crop[-1] - crop[0]) * 32 / 31)
    assert 45 < min(widths) < 60 and 90 < max(widths) < 106


def test_half_of_the_crops_are_mirrored() -> None:
    ramp = Image.fromarray(np.tile(np.arange(64, dtype=np.uint8)[None, :, None], (64, 1, 3)))
    rising = sum(crop[0, 0, 0] < crop[0, -1, 0] for crop in (random_crop(ramp, 32, np.random.default_rng(s)) for s in range(400)))
    assert 150 < rising < 250


def test_a_picture_near_the_model_s_resolution_is_not_enlarged() -> None:
    small = Image.fromarray(picture(1))
    for seed in range(20):
        crop = random_crop(small, 32, np.random.default_rng(seed))
        assert np.array_equal(crop, picture(1)) or np.array_equal(crop, picture(1)[:, ::-1])
    nearly = Image.fromarray(np.tile(np.arange(70, dtype=np.uint8)[None, :, None], (70, 1, 3)))
    spans = [np.ptp(random_crop(nearly, 64, np.random.default_rng(s))[0, :, 0].astype(int)) for s in range(20)]
    assert min(spans) >= 67


def test_large_pictures_are_reduced_once(tmp_path: Path, own_cache: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "large.png").write_bytes(png(picture(1, (600, 400))))
    small = png(picture(2, (100, 80)))
    (folder / "small.png").write_bytes(small)
    loaded = load_photos([folder], 32)
    sizes = [Image.open(io.BytesIO(contents)).size for contents in loaded.files]
    assert sizes == [(192, 128), (100, 80)] and loaded.files[1] == small
    assert len(list(own_cache.glob("photos-32-*.zip"))) == 1
    assert load_photos([folder], 32).files == loaded.files


def test_no_picture_is_lost_between_two_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(7):
        (tmp_path / f"{seed}.png").write_bytes(png(picture(seed)))
    monkeypatch.setattr(made_by, "AT_ONCE", 3)
    loaded = load_photos([tmp_path], 32)
    assert loaded.files == [png(picture(seed)) for seed in range(7)] and loaded.sources == {tmp_path.stem: 7}


def test_damaged_pictures_are_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.png").write_bytes(png(picture(1)))
    (tmp_path / "b.png").write_bytes(png(picture(2))[:50])
    assert len(load_photos([tmp_path], 32)) == 1
    assert "b.png" in capsys.readouterr().err
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match=r"no pictures.*b\.png"):
        load_photos([tmp_path], 32)


def test_what_is_held_out_stays_so(tmp_path: Path) -> None:
    for seed in range(60):
        (tmp_path / f"{seed:03}.png").write_bytes(png(picture(seed)))
    before = load_photos([tmp_path], 32, hold_out=10)
    assert 1 <= len(before.held_out) <= 15 and len(before) + len(before.held_out) == 60
    assert not set(before.files) & set(before.held_out.values())
    for seed in range(60, 80):
        (tmp_path / f"{seed:03}.png").write_bytes(png(picture(seed)))
    after = load_photos([tmp_path], 32, hold_out=10)
    assert len(after.held_out) >= len(before.held_out) and set(before.held_out) <= set(after.held_out)


def test_one_picture_cannot_be_both_trained_and_tested_on(tmp_path: Path) -> None:
    (tmp_path / "only.png").write_bytes(png(picture(0)))
    with pytest.raises(DataError, match="too few"):
        load_photos([tmp_path], 32, hold_out=20)


def test_nearest_colours_are_the_palette_s() -> None:
    random = np.random.default_rng(0)
    palette = Palette(random.integers(0, 256, (512, 3), dtype=np.uint8))
    pixels = random.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    tokens = nearest_colors(torch.from_numpy(pixels), torch.from_numpy(palette.rgb).float())
    assert np.array_equal(tokens.numpy(), palette.encode(pixels).reshape(5, -1))
