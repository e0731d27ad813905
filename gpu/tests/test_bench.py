"""The benchmark runs, on the CPU, with all that it compares; its numbers are not looked at."""

import json

from igpt_gpu.bench.__main__ import main
from igpt_gpu.bench.limit import step_bytes
from igpt_gpu.bench.work import SHAPES, Work, random_weights
from torch import device, float32


def test_quick(tmp_path):
    file = tmp_path / "bench.json"
    main(["--quick", "--device", "cpu", "--json", str(file)])
    report = json.loads(file.read_text())
    measured = {(row["batch"], row["engine"], row["pictures"]) for row in report["rows"]}
    for batch, pictures in ((1, "one"), (2, "all")):
        assert {(batch, engine, pictures) for engine in ("engine", "transformers", "full forward", "onnxruntime")} <= measured
    assert (2, "engine", "one") in measured
    assert all(row["completionsPerSecond"] > 0 for row in report["rows"])


def test_the_folders_beside_the_engine_hide_no_package():
    """PyTorch looks for `triton`: a folder of that name would be found in its place."""
    from importlib.util import find_spec

    found = [find_spec(name) for name in ("triton", "transformers", "onnxruntime")]
    assert all(spec is None or spec.origin is not None for spec in found)


def test_what_a_step_reads():
    weights = random_weights(SHAPES["small"], device("cpu"), float32)
    place = 2 * 8 * 256 * 4
    assert step_bytes(weights, Work(4, 10, 3)) == weights.step_bytes + place * (4 * 10 + 4 * 2)
    assert step_bytes(weights, Work(4, 10, 3, shared=True)) == weights.step_bytes + place * (10 + 4 * 2)
    # Twelve D^2 a layer, and the head.
    assert weights.step_bytes == 4 * (8 * (12 * 256**2 + 2 * 256) + 256 + 512 * 256)
