import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from igpt.bundle.manifest import MANIFEST, add_to_index, read_bundle
from igpt.bundle.tensors import PRECISIONS, restore, store
from igpt.bundle.weights import ALIGNMENT, WEIGHTS, BundleError, read_weights, write_weights
from igpt.bundle.write import write_bundle
from igpt.data.choose import spread
from igpt.data.palette import Palette
from igpt.model.nats import mean_nats, torch_nats
from igpt.model.network import Config
from igpt.reference.cases import random_model

CONFIG = Config(layers=2, width=16, heads=2, positions=16, colors=8)
BIASED = Config(layers=1, width=16, heads=1, positions=16, colors=8, bias=True)
PALETTE = Palette(np.arange(24, dtype=np.uint8).reshape(8, 3))


def write(folder: Path, config: Config = CONFIG, **options) -> dict:
    return write_bundle(folder, random_model(config, 1), PALETTE, model_id="m", version="1", **options)


@pytest.mark.parametrize("config", [CONFIG, BIASED])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_standard_reader_finds_aligned_tensors_in_order(tmp_path: Path, config: Config, precision: str) -> None:
    arrays = store(random_model(config, 1), precision)
    path = tmp_path / WEIGHTS
    places = write_weights(path, arrays)
    contents = path.read_bytes()
    (length,) = struct.unpack_from("<Q", contents)
    assert (8 + length) % ALIGNMENT == 0
    end = 8 + length
    for place in places:
        assert place.offset == end and place.offset % 16 == 0
        end += place.bytes
    assert end == len(contents)
    read = load_file(path)
    assert {name: array.dtype for name, array in read.items()} == {name: array.dtype for name, array in arrays.items()}
    for name, array in arrays.items():
        assert np.array_equal(read[name], array)
    again = read_weights(path)
    assert list(again) == list(arrays) and all(np.array_equal(again[name], arrays[name]) for name in arrays)


def test_the_order_is_the_formats() -> None:
    names = list(store(random_model(BIASED, 1)))
    block = []
    for part in ("ln_1", "attn.qkv", "attn.proj", "ln_2", "mlp.fc", "mlp.proj"):
        kinds = ["weight"] if part.startswith("ln") else ["weight", "scale", "bias"]
        block += [f"blocks.0.{part}.{kind}" for kind in kinds]
    assert names == ["wte", "sos", "wpe", *block, "ln_f.weight", "head.weight", "head.scale"]


@pytest.mark.parametrize(("precision", "close"), [("int8", 0.05), ("fp16", 0.005)])
def test_a_bundle_read_back_is_nearly_the_model(tmp_path: Path, precision: str, close: float) -> None:
    write(tmp_path / "b", precision=precision)
    read = read_bundle(tmp_path / "b")
    tokens = np.random.default_rng(0).integers(0, 8, (4, 16))
    before, after = (mean_nats(torch_nats(model), tokens) for model in (random_model(CONFIG, 1), read.model))
    assert before == pytest.approx(after, abs=close)
    assert np.array_equal(read.palette, PALETTE.rgb)
    # A bundle is a starting point for training: writing it again changes nothing.
    stored = restore(store(read.model, precision))
    for name, parameter in read.model.state_dict().items():
        assert torch.allclose(stored[name], parameter, atol=1e-6), name


def test_the_manifest(tmp_path: Path) -> None:
    manifest = write(tmp_path / "b", metrics=lambda folder: {"files": len(list(folder.iterdir()))})
    assert manifest == json.loads((tmp_path / "b" / MANIFEST).read_text())
    assert manifest["architecture"] == {**CONFIG.to_dict(), "resolution": 4}
    assert manifest["parameters"] == sum(p.numel() for p in random_model(CONFIG, 1).parameters())
    assert manifest["metrics"] == {"files": 3}
    assert set(manifest["files"]) == {"weights.safetensors", "igpt.onnx", "igpt-rows.onnx"}


def test_a_bundle_is_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "b")
    with pytest.raises(BundleError, match="immutable"):
        write(tmp_path / "b")


def test_a_failed_export_leaves_nothing_behind_that_looks_whole(tmp_path: Path) -> None:
    def fail(_: Path) -> dict:
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError):
        write(tmp_path / "b", metrics=fail)
    assert not (tmp_path / "b").exists()
    write(tmp_path / "b")


@pytest.mark.parametrize("name", ["weights.safetensors", "igpt.onnx"])
def test_damage_is_found(tmp_path: Path, name: str) -> None:
    write(tmp_path / "b")
    path = tmp_path / "b" / name
    contents = bytearray(path.read_bytes())
    contents[-1] ^= 1
    path.write_bytes(contents)
    with pytest.raises(BundleError, match=f"{name} does not match"):
        read_bundle(tmp_path / "b")
    path.unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        read_bundle(tmp_path / "b")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"not a weights file at all")
    with pytest.raises(BundleError, match="not a weights file"):
        read_weights(path)


def test_the_index_keeps_versions_and_the_default(tmp_path: Path) -> None:
    add_to_index(tmp_path, "a", "9", default=True)
    add_to_index(tmp_path, "a", "10", default=True)
    add_to_index(tmp_path, "b", "1", default=False)
    assert json.loads((tmp_path / "index.json").read_text()) == {
        "format": 1,
        "default": "a",
        "models": {"a": {"version": "10", "versions": ["9", "10"]}, "b": {"version": "1", "versions": ["1"]}},
    }


@pytest.mark.parametrize("config", [Config(layers=1, width=16, heads=1, positions=15, colors=8)])
def test_only_square_pictures(tmp_path: Path, config: Config) -> None:
    with pytest.raises(ValueError, match="square"):
        write(tmp_path / "b", config)


def test_spread_takes_from_everywhere() -> None:
    assert spread(np.arange(100), 3).tolist() == [0, 50, 99]
    assert spread(np.arange(2), 3).tolist() == [0, 1]
