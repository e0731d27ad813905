"""`igpt.make`: from a folder of pictures to a bundle, with the modules themselves in one process."""

from __future__ import annotations

import importlib
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import picture, png

from igpt import make
from igpt.bundle.manifest import read_bundle
from igpt.model.checkpoint import load_checkpoint, run_directory
from igpt.training import trainer


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def step(module: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [module, *map(str, arguments)])
        importlib.import_module(f"igpt.{module}").main()

    monkeypatch.setattr(make, "step", step)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixty pictures of people's sizes."""
    path = tmp_path / "mine"
    path.mkdir()
    for seed in range(60):
        (path / f"{seed:03}.png").write_bytes(png(picture(seed, (70, 52))))
    return path


FAST = ("--device", "cpu", "--precision", "float32", "--eager", "--threads", "1", "--workers", "0", "--batch", "4")
SMALL = ("--from-scratch", "--layers", "1", "--width", "32", "--heads", "1", "--steps", "3")


def run(monkeypatch: pytest.MonkeyPatch, data: Path, out: Path, *more: str) -> None:
    monkeypatch.setattr(sys, "argv", ["make", "--data", str(data), "--id", "mine", "--out", str(out), *FAST, *more])
    make.main()


def test_one_command_from_pictures_to_a_bundle_and_again_to_the_next(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "bucket"
    run(monkeypatch, folder, out, *SMALL)
    directory = run_directory("own-mine")
    assert load_checkpoint(directory / "checkpoint.pt")["images"] == 12
    manifest = read_bundle(out / "models/mine/1").manifest
    assert (manifest["id"], manifest["version"], manifest["architecture"]["layers"]) == ("mine", "1", 1)
    with zipfile.ZipFile(directory / "test.zip") as archive:
        held = archive.namelist()
    assert 1 <= len(held) <= 10 and manifest["metrics"]["testPictures"] == len(held)

    # The same command goes on with what it made, and nothing that was held out is trained on meanwhile.
    run(monkeypatch, folder, out, *SMALL)
    assert load_checkpoint(directory / "checkpoint.pt")["images"] == 24
    with zipfile.ZipFile(directory / "test.zip") as archive:
        assert archive.namelist() == held
    index = json.loads((out / "models/index.json").read_text())
    assert index["models"]["mine"] == {"version": "2", "versions": ["1", "2"]}

    # Another model starts from it: its palette and shape hold, and the rates are those of fine-tuning.
    other = ["make", "--data", str(folder), "--id", "tuned", "--out", str(out), "--init-from", str(out / "models/mine/2")]
    monkeypatch.setattr(sys, "argv", [*other, *FAST, "--steps", "2"])
    make.main()
    tuned, start = read_bundle(out / "models/tuned/1"), read_bundle(out / "models/mine/2")
    assert np.array_equal(tuned.palette, start.palette) and tuned.model.config == start.model.config
    assert load_checkpoint(run_directory("own-tuned") / "checkpoint.pt")["images"] == 32
    assert "mine/2" in tuned.manifest["provenance"]["trained"]


def test_it_says_first_what_it_writes_and_replaces_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "bucket"
    models = out / "models"
    (models / "mine/4").mkdir(parents=True)
    (models / "index.json").write_text(json.dumps({"format": 1, "default": "shop", "models": {"mine": {"version": "2", "versions": ["1", "2"]}}}))
    run(monkeypatch, folder, out, *SMALL)
    first = capsys.readouterr().out.splitlines()[0]
    assert first == (
        f"about to write {models}/mine/5, as mine's current version, instead of version 2; the folder's default model stays shop"
    )
    assert not list((models / "mine/4").iterdir())
    index = json.loads((models / "index.json").read_text())
    assert index == {"format": 1, "default": "shop", "models": {"mine": {"version": "5", "versions": ["1", "2", "5"]}}}


def test_a_run_that_was_stopped_goes_on_and_makes_no_bundle_before(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = trainer.Trainer.step

    def stopped(self: trainer.Trainer, pixels):  # noqa: ANN001, ANN202
        import os
        import signal

        os.kill(os.getpid(), signal.SIGINT)
        return step(self, pixels)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "step", stopped)
        with pytest.raises(SystemExit, match="the same command goes on"):
            run(patch, folder, tmp_path / "bucket", *SMALL)
    assert not (tmp_path / "bucket").exists()
    run(monkeypatch, folder, tmp_path / "bucket", *SMALL)
    assert load_checkpoint(run_directory("own-mine") / "checkpoint.pt")["images"] == 12


def test_few_colours_make_a_smaller_palette() -> None:
    grey = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
    assert make.palette_size(grey) == 256
    assert make.palette_size(grey[:, :100]) == 64
    assert make.palette_size(grey[:, :20]) == 16
    assert make.palette_size(grey[:, :2]) == 2
    assert make.palette_size(np.stack([picture(seed) for seed in range(9)])) == 512


def test_what_cannot_be_used_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="neither a folder nor a zip|does not exist"):
        run(monkeypatch, tmp_path / "missing", tmp_path, *SMALL)
    for wrong in (["--id", "Not This", "--from-scratch"], ["--id", "mine"], ["--id", "mine", "--from-scratch", "--init-from", "x"]):
        monkeypatch.setattr(sys, "argv", ["make", "--data", ".", "--out", ".", *wrong])
        with pytest.raises(SystemExit):
            make.main()
