import json
from pathlib import Path

import numpy as np
import pytest
import torch

from igpt.bundle.manifest import file_facts, read_bundle
from igpt.bundle.measure import open_graph
from igpt.bundle.weights import WEIGHTS
from igpt.bundle.write import write_bundle
from igpt.data.palette import Palette
from igpt.model.network import Config
from igpt.reference.cases import random_model
from igpt.reference.forward import greedy, reference
from igpt.reference.golden import write_golden

CONFIG = Config(layers=2, width=16, heads=2, positions=64, colors=8)
COMMITTED = Path(__file__).parents[2] / "test" / "golden"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    palette = Palette(np.arange(24, dtype=np.uint8).reshape(8, 3))
    write_bundle(tmp_path / "b", random_model(CONFIG, 1), palette, model_id="m", version="1")
    return tmp_path / "b"


def test_a_wrong_draft_is_put_right(folder: Path) -> None:
    """The draft comes from other weights than those that check it."""
    other = random_model(CONFIG, 2)
    given = np.array([3, 1, 4])
    tokens, result = greedy(other, open_graph(folder / "igpt.onnx"), given, 20)
    slow = torch.from_numpy(given)[None]
    with torch.no_grad():
        for _ in range(20):
            # The last column is read by no position: it only asks for one more output.
            logits = other(torch.cat([slow, slow[:, :1]], dim=1))[0, -1]
            slow = torch.cat([slow, logits.argmax().view(1, 1)], dim=1)
    assert tokens.tolist() == slow[0, 3:].tolist()
    assert result["logits"].shape == (23, 8)


def test_reference_features_are_means_of_normed_states() -> None:
    model = random_model(CONFIG, 1)
    tokens = np.arange(10) % 8
    features = reference(model, tokens, 10)["features"]
    states = model.hidden_states(torch.from_numpy(tokens)[None])
    assert torch.allclose(features[1], model.blocks[1].ln_1(states[1])[0].mean(0), atol=1e-6)
    assert torch.allclose(features[-1], model.ln_f(states[-1])[0].mean(0), atol=1e-6)
    assert not reference(model, tokens, 0)["features"].any()


def test_files_refer_to_each_other(folder: Path, tmp_path: Path) -> None:
    write_golden(tmp_path, "x", folder, [("some", np.array([1, 2]), 5), ("none", np.array([], np.int64), 0)], random_model(CONFIG, 1))
    content = json.loads((tmp_path / "x.json").read_text())
    floats = np.fromfile(tmp_path / "x.bin", "<f4")
    assert content["weightsSha256"] == file_facts(folder / WEIGHTS)["sha256"]
    some, none = content["cases"]
    part = some["features"]
    assert part["length"] == 3 * 16
    expected = reference(read_bundle(folder).model, np.array([1, 2, *some["greedy"]]), 2)
    assert np.allclose(floats[part["offset"] : part["offset"] + part["length"]], expected["features"].ravel(), atol=1e-6)
    assert len(some["float"]["greedy"]) == 5 and none["greedy"] == [] and none["logits"]["length"] == 0


@pytest.mark.parametrize("name", ["tiny", "biased", "half", "large"])
def test_the_committed_values_are_of_the_committed_weights(name: str) -> None:
    content = json.loads((COMMITTED / f"{name}.json").read_text())
    loaded = read_bundle(COMMITTED / name)
    assert content["weightsSha256"] == loaded.manifest["files"][WEIGHTS]["sha256"]
    floats = np.fromfile(COMMITTED / f"{name}.bin", "<f4")
    for case in content["cases"]:
        given = np.array(case["given"], np.int64)
        result = reference(loaded.model, np.concatenate([given, np.array(case["greedy"], np.int64)]), len(given))
        part = case["prefixNll"]
        right = floats[part["offset"] : part["offset"] + part["length"]]
        assert np.allclose(result["nats"][: len(given)].numpy(), right, atol=1e-5)
