"""Features and nats of sets: the same in either precision, and in one go or in several."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import randomised

from igpt.evaluation import forward as module
from igpt.evaluation.forward import Forward, run_set, torch_measure
from igpt.evaluation.pictureset import PictureSet, write_set
from igpt.model.device import CPU, Device
from igpt.model.network import Config
from igpt.reference.forward import reference


def manifest(config: Config, weights: str = "a") -> dict:
    architecture = {"layers": config.layers, "width": config.width}
    return {"architecture": architecture, "files": {"weights.safetensors": {"sha256": weights}}}


def picture_set(folder: Path, config: Config, count: int = 7) -> PictureSet:
    tokens = np.random.default_rng(1).integers(0, config.colors, (count, config.positions)).astype(np.uint16)
    write_set(folder, tokens, np.arange(count), manifest(config), classes=["a"])
    return PictureSet.read(folder)


def test_features_are_those_of_the_contract() -> None:
    config = Config(2, 32, 2, 64, 16)
    model = randomised(config)
    tokens = np.random.default_rng(0).integers(0, 16, (3, 64))
    nats, features = torch_measure(model, torch.from_numpy(tokens))
    for row in range(3):
        expected = reference(model, tokens[row], 64)
        assert torch.allclose(features[row], expected["features"], atol=1e-5)
        assert torch.allclose(nats[row], expected["nats"], atol=1e-5)


@pytest.mark.parametrize("config", [Config(3, 128, 4, 256, 128), Config(2, 48, 2, 60, 50)])
def test_bfloat16_has_the_features_of_float32(config: Config) -> None:
    model = randomised(config)
    tokens = np.random.default_rng(0).integers(0, config.colors, (5, config.positions)).astype(np.uint16)
    exact, rough = Forward(model, CPU), Forward(model, Device("cpu", "test", True))
    (nll, features), (rough_nll, rough_features) = exact(tokens), rough(tokens)
    assert rough_features.dtype == rough_nll.dtype == np.float32
    assert 0 < np.abs(rough_nll - nll).max() < 1e-2
    # Random weights; of the published model's features the greatest difference is 1.4% of their spread.
    error = np.abs(rough_features - features).max(axis=(0, 2))
    assert (error < 0.1 * features.std(0).mean(1)).all(), error


def test_a_set_is_gone_on_with_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(2, 32, 2, 64, 16)
    model = randomised(config)
    monkeypatch.setattr(module, "CHUNK", 3)
    monkeypatch.setattr(module, "choose_device", lambda *_: CPU)
    whole = picture_set(tmp_path / "whole", config)
    run_set(whole, "torch", model, 1)
    part = picture_set(tmp_path / "part", config)
    run_set(part, "torch", model, 1)
    with (part.folder / "torch/features.bin").open("r+b") as file:
        file.truncate(4 * 3 * 32 * 4 + 5)
    seen: list[int] = []
    monkeypatch.setattr(module, "torch_measure", lambda model, tokens: seen.append(len(tokens)) or torch_measure(model, tokens))
    run_set(part, "torch", model, 1)
    assert sum(seen) == 3
    run_set(part, "torch", model, 1)
    assert sum(seen) == 3
    assert np.array_equal(part.features("torch"), whole.features("torch"))
    assert np.array_equal(part.nll("torch"), whole.nll("torch"))
    assert whole.features("torch").shape == (7, 3, 32)


def test_what_was_said_of_other_pictures_or_weights_is_dropped(tmp_path: Path) -> None:
    config = Config(2, 32, 2, 64, 16)
    pictures = picture_set(tmp_path / "set", config)
    (pictures.folder / "kernel").mkdir()
    picture_set(tmp_path / "set", config)
    assert (pictures.folder / "kernel").exists()
    # The first pictures of more: a set grows and shrinks.
    for count in (3, 7):
        write_set(pictures.folder, pictures.tokens[:count], pictures.labels[:count], manifest(config), classes=["a"])
        assert (pictures.folder / "kernel").exists()
        assert len(PictureSet.read(pictures.folder).tokens) == count
    write_set(pictures.folder, pictures.tokens[::-1], pictures.labels, manifest(config), classes=["a"])
    assert not (pictures.folder / "kernel").exists()
    (pictures.folder / "kernel").mkdir()
    write_set(pictures.folder, pictures.tokens, pictures.labels, manifest(config, "other"), classes=["a"])
    assert not (pictures.folder / "kernel").exists()
    assert json.loads((pictures.folder / "set.json").read_text())["weights"] == "other"
