from __future__ import annotations

import json
import string
import sys
from pathlib import Path

import pytest

from igpt import card
from igpt.evaluation.card import CardError, facts, write_card
from igpt.model.flop import training_flop
from igpt.model.network import Config, ImageGPT

TEXT = Path(__file__).parents[1] / "cards" / "igpt.md"


def manifest() -> dict:
    return {
        "format": 1,
        "id": "m",
        "version": "2",
        "architecture": {**Config().to_dict(), "resolution": 32},
        "precision": "int8",
        "embeddingLayer": 2,
        "files": {"weights.safetensors": {"bytes": 7_300_000}},
        "parameters": 6_820_352,
        "metrics": {"testPictures": 200, "testNllPerPixelFloat": 1.99912, "testNllPerPixelTorch": 1.99934},
        "provenance": {"trained": "for two hours", "images": 25_000, "step": 10, "seconds": 7200.0},
    }


def measures(**changes: object) -> dict:
    distances = {
        "pictures": 4,
        "nearest": {"0%": 5.0, "1%": 6.0, "10%": 7.0, "50%": 8.0, "90%": 9.0},
        "relative": {"0%": 0.5, "1%": 0.6, "10%": 0.7, "50%": 0.8, "90%": 0.9},
        "nearerThanTest1Percent": 0.25,
        "relativeBelowTest1Percent": 0.0,
    }
    space = {"test": distances, "unconditional": distances, "completions": distances}
    return {
        "model": "m",
        "version": "2",
        "pictures": 5000,
        "palettePsnr": 34.1619,
        "nllPerPixel": 2.0,
        "nllStandardError": 0.005,
        "nllLowerHalf": 2.1,
        "bySource": {"mini": {"pictures": 4000, "nllPerPixel": 1.9, "nllLowerHalf": 2.0}, "scenes": {"pictures": 1000, "nllPerPixel": 2.4, "nllLowerHalf": 2.5}},
        "nllPerPixelFloat": 1.999,
        "graphPictures": 100,
        "nllPerPixelGraph": 2.01,
        "nllPerPixelOfGraphPictures": 2.011,
        "nllPerPixelUnigram": 6.0,
        "nllPerPixelPreviousPixel": 3.149,
        "probePictures": 50_000,
        "probe": {"0": 0.3, "1": 0.55, "2": 0.5},
        "probePixels": 0.4,
        "probePixelsPictures": 10_000,
        "bestLayer": 1,
        "embeddingLayer": 2,
        "precisionAt10": 0.33,
        "precisionAt10BestLayer": 0.34,
        "copying": {"trainPictures": 50_000, "crops": 4, "pixels": space, "lowerHalf": space, "features": space},
        **changes,
    }


def test_the_card_names_only_what_is_measured() -> None:
    values = facts(manifest(), measures(), measures())
    names = {name for _, name, _, _ in string.Formatter().parse(TEXT.read_text()) if name}
    assert names <= values.keys() and len(names) > 20
    with pytest.raises(CardError, match="nonsense"):
        write_card("{nonsense}", values)


def test_numbers() -> None:
    values = facts(manifest(), measures(), measures())
    assert (values["minutes"], values["bits"], values["natsLowerHalf"]) == ("120", "2.885", "2.100")
    assert "| scenes | 1,000 | 2.400 | 2.500 |" in values["sourceTable"]
    assert (values["natsFloatWeights"], values["natsInt8Weights"]) == ("1.9991", "1.9993")
    assert "5,000 others to score on): 50.0%. Raw pixels: 40.0%." in values["probe"]
    assert "| accuracy | 30.0% | **55.0%** | 50.0% |" in values["probe"]
    assert "| embedding | 4 samples from nothing | 5.000 | 6.000 | 7.000 | 8.000 | 25.0% | 0.500 | 0.800 | 0.0% |" in values["copying"]
    assert "nearest of 50,000 training pictures (the middle of each, and 4 random crops of each that is larger than the model's), mirrored" in values["copying"]


def test_samples_that_were_compared_as_pixels_only() -> None:
    pixels = measures()
    del pixels["copying"]["features"]
    pixels["copying"]["crops"] = 0
    text = facts(manifest(), pixels)["copying"]
    assert "| whole picture" in text and "embedding" not in text and "50,000 training pictures, mirrored" in text


def test_what_was_not_measured_is_said() -> None:
    without = measures()
    del without["copying"]
    values = facts(manifest(), without)
    assert values["probe"] == "Its linear probe was not measured for this version."
    assert values["copying"] == "Not measured for this version."
    assert "Raw pixels: not measured." in facts(manifest(), measures(), measures(probePixels=None))["probe"]


def test_measures_of_another_version_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(manifest()))
    (tmp_path / "m.json").write_text(json.dumps(measures(version="1")))
    options = ("--bundle", tmp_path, "--measures", tmp_path / "m.json", "--out", tmp_path / "card.md")
    monkeypatch.setattr(sys, "argv", ["card", "--text", *map(str, (TEXT, *options))])
    with pytest.raises(SystemExit, match="version 1"):
        card.main()
    (tmp_path / "m.json").write_text(json.dumps(measures()))
    card.main()
    assert "**2.000 nats per pixel**" in (tmp_path / "card.md").read_text()


def test_training_costs_six_operations_a_weight_and_pixel_and_attention() -> None:
    config = Config(2, 64, 2, 256, 128)
    model = ImageGPT(config)
    used = sum(p.numel() for name, p in model.named_parameters() if p.ndim == 2 and name not in ("wte", "wpe"))
    attention = sum(2 * t * config.width for t in range(1, 257)) * config.layers
    assert training_flop(config) == 6 * (256 * used + attention)


def test_recommends_the_options_whose_halves_are_as_rough_as_photographs():
    row = {"temperature": 1, "topP": 1, "nats": 2.18, "originalNats": 1.96, "roughness": 1.21, "different": 57.8}
    sampling = {"model": "m", "version": "2", "rows": [row, {**row, "temperature": 0.9, "roughness": 0.9}]}
    text = facts(manifest(), measures(), None, sampling)["sampling"]
    assert text.startswith("Temperature 0.9 and top-p 1 come nearest")
    assert "| **0.9** | **1** |" in text and "| 1 | 1 | 2.18 |" in text
    assert facts(manifest(), measures())["sampling"] == "Not measured for this version."
