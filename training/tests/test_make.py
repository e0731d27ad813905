"""`igpt.make`: from a folder of pictures to a bundle, with the modules themselves in one process."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import picture

from igpt import make
from igpt.bundle import read_bundle
from igpt.checkpoint import load_checkpoint, run_directory
from igpt.data import load_pictures


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def step(module: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [module, *map(str, arguments)])
        importlib.import_module(f"igpt.{module}").main()

    monkeypatch.setattr(make, "step", step)


def run(monkeypatch: pytest.MonkeyPatch, data: Path, out: Path, *more: str) -> None:
    shape = ("--layers", "1", "--width", "32", "--heads", "1", "--step", "eager", "--threads", "1")
    options = ("--data", str(data), "--id", "mine", "--minutes", "0.02", "--out", str(out))
    monkeypatch.setattr(sys, "argv", ["make", *options, *shape, *more])
    make.main()


def test_one_command_from_pictures_to_a_bundle_and_again_to_the_next(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "bucket"
    run(monkeypatch, archive, out)
    first = load_checkpoint(run_directory("own-mine") / "checkpoint.pt")["images"]
    manifest = read_bundle(out / "models/mine/1").manifest
    assert (manifest["id"], manifest["version"], manifest["architecture"]["layers"]) == ("mine", "1", 1)
    assert manifest["metrics"]["testPictures"] == 1
    train, test = (load_pictures(run_directory("own-mine") / f"{name}.zip") for name in ("train", "test"))
    assert len(train.labels) == 23 and len(test.labels) == 1 and train.classes == ("ant", "cat")
    whole = {picture.tobytes() for picture in load_pictures(archive).pixels}
    assert whole == {picture.tobytes() for picture in np.concatenate((train.pixels, test.pixels))}

    run(monkeypatch, archive, out)
    assert load_checkpoint(run_directory("own-mine") / "checkpoint.pt")["images"] > first
    index = json.loads((out / "models/index.json").read_text())
    assert index["models"]["mine"] == {"version": "2", "versions": ["1", "2"]}


def test_few_colours_make_a_smaller_palette() -> None:
    grey = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
    assert make.palette_size(grey) == 256
    assert make.palette_size(grey[:, :100]) == 64
    assert make.palette_size(grey[:, :20]) == 16
    assert make.palette_size(grey[:, :2]) == 2
    assert make.palette_size(np.stack([picture(seed) for seed in range(9)])) == 512


def test_what_cannot_be_used_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="neither a folder nor a zip"):
        run(monkeypatch, tmp_path / "missing", tmp_path)
    monkeypatch.setattr(sys, "argv", ["make", "--data", ".", "--id", "Not This", "--out", "."])
    with pytest.raises(SystemExit):
        make.main()
