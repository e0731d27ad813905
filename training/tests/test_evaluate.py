"""`igpt.evaluate` from pictures to JSON and drawings, PyTorch in the place of the Worker's engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import picture, png, randomised

from igpt import evaluate
from igpt.bundle.write import write_bundle
from igpt.data.palette import Palette
from igpt.evaluation.forward import run_set
from igpt.evaluation.pictureset import PictureSet
from igpt.evaluation.trained import Trained
from igpt.model.device import CPU, Device
from igpt.model.network import Config, ImageGPT

CONTRACT = {"nllPerPixel", "nllLowerHalf", "bySource", "nllPerPixelFloat", "probe", "precisionAt10"}
CONFIG = Config(1, 16, 2, 1024, 64)


@pytest.fixture
def model() -> ImageGPT:
    return randomised(CONFIG)


@pytest.fixture
def bundle_folder(tmp_path: Path, model: ImageGPT) -> Path:
    palette = Palette(np.random.default_rng(0).integers(0, 256, (64, 3), dtype=np.uint8))
    write_bundle(tmp_path / "bundle" / "1", model, palette, model_id="tiny", version="1", embedding_layer=1)
    return tmp_path / "bundle" / "1"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["evaluate", *map(str, arguments)])
    evaluate.main()


def data(folder: Path, classes: dict[str, int]) -> Path:
    """So many pictures of each class."""
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for seed in range(count):
            (folder / name / f"{seed}.png").write_bytes(png(picture(seed, (20 + seed, 40))))
    return folder


def prepare(monkeypatch: pytest.MonkeyPatch, bundle: Path, work: Path, model: ImageGPT, **sources: Path) -> None:
    for name, source in sources.items():
        run(monkeypatch, "tokens", "--data", source, "--bundle", bundle, "--out", work / name)
        run_set(PictureSet.read(work / name), "kernel", model, 1)


def draw_at_random(folder: Path, name: str, prompts: int, samples: int) -> None:
    folder.mkdir(exist_ok=True)
    np.random.default_rng(3).integers(0, 64, (prompts, samples, 1024)).astype(np.uint16).tofile(folder / f"{name}.bin")
    (folder / f"{name}.json").write_text(json.dumps({"prompts": prompts, "samples": samples}))


def test_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle_folder: Path, model: ImageGPT) -> None:
    test = data(tmp_path / "a", {"ant": 6, "cat": 5, "only here": 2})
    train = data(tmp_path / "b", {"cat": 12, "ant": 12})
    work, out = tmp_path / "work", tmp_path / "pictures"
    prepare(monkeypatch, bundle_folder, work, model, test=test, train=train, completed=test, sheet=test)
    for name, prompts, samples in (("unconditional", 1, 9), ("completions", 13, 1), ("temperature-0.8", 13, 2), ("temperature-1", 13, 2)):
        draw_at_random(work / "samples", name, prompts, samples)
    run(monkeypatch, "queries", "--work", work, "--bundle", bundle_folder)
    run(monkeypatch, "features", "--set", work / "queries", "--engine", "kernel", "--bundle", bundle_folder)
    run(monkeypatch, "features", "--set", work / "test", "--engine", "float", "--bundle", bundle_folder)
    files = ("--json", tmp_path / "deep" / "m.json", "--pictures", out)
    run(monkeypatch, "report", "--work", work, "--bundle", bundle_folder, "--engine", "kernel", "--graph-pictures", "3", *files)

    measures = json.loads((tmp_path / "deep" / "m.json").read_text())
    assert measures.keys() >= CONTRACT
    assert measures["pictures"] == 13 and measures["probePictures"] == 24
    by_source = measures["bySource"]
    assert {name: source["pictures"] for name, source in by_source.items()} == {"ant": 6, "cat": 5, "only here": 2}
    for key in ("nllPerPixel", "nllLowerHalf"):
        assert sum(source["pictures"] * source[key] for source in by_source.values()) / 13 == pytest.approx(measures[key], abs=1e-6)
    assert measures["probe"].keys() == {"0", "1"} and measures["bestLayer"] in (0, 1)
    # The stand-in computes what the graph computes, on the graph's own pictures.
    assert measures["nllPerPixelGraph"] == pytest.approx(measures["nllPerPixelOfGraphPictures"], abs=1e-3)
    assert measures["nllPerPixelFloat"] == pytest.approx(measures["nllPerPixel"], abs=0.05)
    assert measures["copying"]["trainPictures"] == 24
    assert measures["copying"]["pixels"]["unconditional"]["pictures"] == 9
    # Some of the test pictures are those of the training set.
    assert measures["copying"]["pixels"]["test"]["nearest"]["0%"] < 0.1
    drawn = {path.name for path in out.iterdir()}
    assert drawn == {"probe.svg", "nats.svg", "copying.svg", "nearest.png", "temperatures.png", "unconditional.png"}


def test_samples_are_held_against_crops_of_what_the_model_was_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle_folder: Path, model: ImageGPT
) -> None:
    test, small = data(tmp_path / "a", {"": 3}), data(tmp_path / "b", {"ant": 2})
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "as-it-is.png").write_bytes(png(picture(9, (32, 32))))
    work = tmp_path / "work"
    prepare(monkeypatch, bundle_folder, work, model, test=test, completed=test)
    sources = ("--data", small, "--data", tmp_path / "c")
    run(monkeypatch, "trained", *sources, "--bundle", bundle_folder, "--out", work / "trained", "--crops", "3")
    trained = Trained.read(work / "trained")
    # Two pictures' middles and three crops of each, and one that has the model's size.
    assert (trained.pictures, trained.tokens.shape) == (3, (9, 1024))
    draw_at_random(work / "samples", "unconditional", 1, 2)
    draw_at_random(work / "samples", "completions", 3, 1)
    copied = np.stack((trained.tokens[2], trained.tokens[8]))
    copied.tofile(work / "samples" / "unconditional.bin")
    files = ("--json", tmp_path / "m.json")
    run(monkeypatch, "report", "--work", work, "--bundle", bundle_folder, "--engine", "kernel", "--graph-pictures", "1", *files)
    copying = json.loads((tmp_path / "m.json").read_text())["copying"]
    assert (copying["trainPictures"], copying["crops"]) == (3, 3) and "features" not in copying
    # A crop is found as a copy.
    assert copying["pixels"]["unconditional"]["nearest"]["90%"] < 0.1


@pytest.mark.parametrize("classes", [{"one": 1}, {"one": 7}, {"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 3}])
def test_few_pictures_or_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle_folder: Path, model: ImageGPT, classes: dict[str, int]
) -> None:
    work = tmp_path / "work"
    prepare(monkeypatch, bundle_folder, work, model, test=data(tmp_path / "data", classes))
    files = ("--json", tmp_path / "m.json", "--pictures", tmp_path / "pictures")
    run(monkeypatch, "report", "--work", work, "--bundle", bundle_folder, "--engine", "kernel", *files)
    measures = json.loads((tmp_path / "m.json").read_text())
    assert measures.keys() >= CONTRACT
    assert measures["nllPerPixelFloat"] is None and measures["nllPerPixel"] > 0
    # Half of each class must be there to fit on, of two classes at least.
    assert bool(measures["probe"]) == (classes == {"a": 2, "b": 3})
    assert (measures["precisionAt10"] is None) == (sum(classes.values()) == 1)
    assert (tmp_path / "pictures" / "nats.svg").exists()


def test_nothing_to_read_is_said_without_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle_folder: Path) -> None:
    with pytest.raises(SystemExit, match="neither a folder nor a zip|does not exist"):
        run(monkeypatch, "tokens", "--data", tmp_path / "missing.zip", "--bundle", bundle_folder, "--out", tmp_path / "out")


def test_where_pytorch_is_slow_features_are_left_to_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "choose_device", lambda: CPU)
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "fast-torch")
    assert ended.value.code == 3
    monkeypatch.setattr(evaluate, "choose_device", lambda: Device("cuda", "test", True))
    run(monkeypatch, "fast-torch")
