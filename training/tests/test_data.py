from __future__ import annotations

import base64
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import picture, png
from PIL import Image

from igpt.data.decode import decode_middle
from igpt.data.files import DataError
from igpt.data.labelled import cached_pictures, cached_tokens, load_files, load_pictures
from igpt.data.palette import Palette


def grey(levels: int = 64) -> Palette:
    return Palette(np.repeat(np.linspace(0, 255, levels).astype(np.uint8)[:, None], 3, axis=1))


def test_classes_are_folder_names(archive: Path) -> None:
    pictures = load_pictures(archive)
    assert pictures.classes == ("ant", "cat")
    assert pictures.pixels.shape == (24, 32, 32, 3)
    assert np.bincount(pictures.labels).tolist() == [12, 12]
    assert np.array_equal(pictures.pixels[0], picture(0))
    assert np.array_equal(pictures.pixels[12], picture(1))


def test_a_folder_equals_its_zip(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path / "folder")
    folder, packed = load_pictures(tmp_path / "folder"), load_pictures(archive)
    assert np.array_equal(folder.pixels, packed.pixels)
    assert folder.classes == packed.classes


def test_other_sizes_are_cropped_and_resized(tmp_path: Path) -> None:
    (tmp_path / "wide").mkdir()
    wide = np.zeros((64, 200, 3), np.uint8)
    wide[:, 68:132] = 200
    (tmp_path / "wide" / "a.png").write_bytes(png(wide))
    assert (load_pictures(tmp_path).pixels == 200).all()


@pytest.mark.parametrize("contents", [b"", b"not a picture"])
def test_a_broken_picture_is_named(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "broken.png").write_bytes(contents)
    with pytest.raises(DataError, match="broken.png"):
        load_pictures(tmp_path)


def test_a_damaged_picture_among_others_is_left_out_and_named(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("set/cat/damaged.png", png(picture(0))[:60])
    pictures = load_pictures(archive)
    assert len(pictures.labels) == 24
    assert "damaged.png" in capsys.readouterr().err


def test_any_mode_becomes_rgb_on_white_and_upright(tmp_path: Path) -> None:
    grey = np.full((32, 32), 100, np.uint8)
    Image.fromarray(grey).save(tmp_path / "a-grey.png")
    Image.fromarray(grey.astype(np.uint16) * 256).save(tmp_path / "b-deep.png")
    clear = np.zeros((32, 32, 4), np.uint8)
    clear[:16] = (100, 100, 100, 255)
    Image.fromarray(clear).save(tmp_path / "c-clear.png")
    turned = Image.fromarray(picture(1))
    exif = turned.getexif()
    exif[0x0112] = 3
    turned.save(tmp_path / "d-turned.png", exif=exif)
    pixels = load_pictures(tmp_path).pixels
    assert (pixels[:2] == 100).all()
    assert (pixels[2, :16] == 100).all() and (pixels[2, 16:] == 255).all()
    assert np.array_equal(pixels[3], picture(1)[::-1, ::-1])


def test_single_files_keep_their_order(tmp_path: Path) -> None:
    for name, seed in (("b.png", 1), ("a.png", 2)):
        (tmp_path / name).write_bytes(png(picture(seed)))
    files = load_files([tmp_path / "b.png", tmp_path / "a.png"])
    assert np.array_equal(files.pixels, np.stack((picture(1), picture(2))))
    with pytest.raises(DataError, match="missing.png"):
        load_files([tmp_path / "missing.png"])


def test_a_broken_zip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a/a.png", png(picture(0)))
    contents = bytearray(path.read_bytes())
    contents[40:60] = bytes(20)
    path.write_bytes(contents)
    with pytest.raises(DataError, match="broken.zip"):
        load_pictures(path)


def test_nothing_to_load(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no pictures"):
        load_pictures(tmp_path)
    with pytest.raises(DataError, match="neither"):
        load_pictures(tmp_path / "missing")


def test_tokens_are_cached_by_source_and_palette(archive: Path, own_cache: Path) -> None:
    first = cached_tokens(archive, grey())
    assert first.shape == (24, 1024) and first.dtype == np.uint16
    assert np.array_equal(first, grey().encode(load_pictures(archive).pixels).reshape(24, -1))
    assert np.array_equal(cached_tokens(archive, grey()), first)
    assert not np.array_equal(cached_tokens(archive, grey(8)), first)
    assert len(list(own_cache.glob("tokens-*.npy"))) == 2
    assert np.array_equal(cached_pictures(archive).labels, load_pictures(archive).labels)


FIXTURES = Path(__file__).parents[2] / "test" / "fixtures"


@pytest.mark.parametrize("name", ["rgb.png", "rgba.png", "palette.png", "grey.png", "interlaced.png", "lossy.webp", "lossless.webp", "lossless-alpha.webp"])
def test_a_picture_is_what_the_worker_sees(name: str) -> None:
    """src/image/decode/decode.test.ts holds the Worker's decoders against the same bytes."""
    expected = np.frombuffer(base64.b64decode(json.loads((FIXTURES / "expected.json").read_text())[name]), np.uint8)
    assert np.array_equal(decode_middle(name, (FIXTURES / name).read_bytes(), 32).ravel(), expected)


def test_a_picture_s_source_is_its_outermost_folder(tmp_path: Path) -> None:
    for name in ("one/cat/a.png", "two/b.png", "c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png(picture(1)))
    pictures = load_pictures(tmp_path)
    assert dict(zip(pictures.sources, (pictures.classes[label] for label in pictures.labels), strict=True)) == {"": "", "one": "cat", "two": "two"}
    assert cached_pictures(tmp_path).sources == pictures.sources
