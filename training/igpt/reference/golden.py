"""The files of golden values: what PyTorch computes for fixed inputs. See test/golden/load.ts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from ..bundle.graphs.logits import places_of, write_logits_graph
from ..bundle.manifest import read_bundle
from ..bundle.measure import open_graph
from ..bundle.weights import WEIGHTS
from ..model.network import ImageGPT
from .forward import greedy


@dataclass
class Floats:
    """One file of little-endian float32; JSON refers to parts of it."""

    parts: list[NDArray[np.float32]] = field(default_factory=list)
    count: int = 0

    def add(self, values: NDArray | torch.Tensor) -> dict[str, int]:
        array = np.asarray(values, dtype="<f4").ravel()
        self.parts.append(array)
        self.count += len(array)
        return {"offset": self.count - len(array), "length": len(array)}

    def write(self, path: Path) -> None:
        path.write_bytes(b"".join(part.tobytes() for part in self.parts))


def golden_case(
    floats: Floats,
    name: str,
    session: onnxruntime.InferenceSession,
    given: NDArray[np.int64],
    count: int,
    stored: ImageGPT,
    exact: ImageGPT | None,
) -> dict:
    """One input and everything that is known of it, under the stored weights and, if given, the float ones."""

    def values(model: ImageGPT) -> dict:
        tokens, result = greedy(model, session, given, count)
        top = result["logits"][len(given) :].topk(2, dim=-1).values
        return {
            "greedy": tokens.tolist(),
            "greedyMargin": floats.add(top[:, 0] - top[:, 1]),
            "greedyNll": floats.add(result["nats"][len(given) :]),
            "prefixNll": floats.add(result["nats"][: len(given)]),
            "features": floats.add(result["features"]),
            "logits": floats.add(result["logits"][len(given) : len(given) + 1]),
        }

    case = {"name": name, "given": given.tolist(), **values(stored)}
    return {**case, "float": values(exact)} if exact else case


def write_golden(
    out: Path, name: str, folder: Path, cases: list[tuple[str, NDArray[np.int64], int]], exact: ImageGPT | None = None
) -> None:
    """Writes `{name}.json` and `{name}.bin` of a bundle for cases of (name, given tokens, positions to generate), and
    `{name}-logits.onnx.gz`, which says more of what any engine does with these weights."""
    loaded = read_bundle(folder)
    session = open_graph(folder / "igpt.onnx")
    floats = Floats()
    content = {
        "bundle": {key: loaded.manifest[key] for key in ("id", "version", "architecture")},
        "weightsSha256": loaded.manifest["files"][WEIGHTS]["sha256"],
        "cases": [golden_case(floats, *case[:1], session, *case[1:], loaded.model, exact) for case in cases],
    }
    (out / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")
    floats.write(out / f"{name}.bin")
    write_logits_graph(out / f"{name}-logits.onnx.gz", loaded.model.config, places_of(folder))
