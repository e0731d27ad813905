"""Golden values: what PyTorch computes for fixed inputs, for every engine to be held against. See test/golden/load.ts.

    python -m igpt.golden --small --out ../test/golden
    python -m igpt.golden --checkpoint CHECKPOINT --bundle ../r2-assets/models/igpt-base/1 --out ../test/golden

The first makes the small bundles with random weights too. The second is for the shipped model, with the checkpoint
that was exported; `igpt.export --golden` does the same.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from PIL import Image

from . import bundle
from .checkpoint import load_model
from .export import open_graph, stateless_inputs, write_bundle
from .logits_graph import places_of, write_logits_graph
from .model import Config, ImageGPT
from .palette import Palette

PICTURES = Path(__file__).parents[2] / "web" / "pictures" / "32"


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


@torch.no_grad()
def reference(model: ImageGPT, tokens: NDArray[np.int64], given: int) -> dict[str, torch.Tensor]:
    """By one forward pass over `tokens` [T], of which the first `given` are the prefix: logits [T, C], nats [T], and
    features [L + 1, D], the means over the prefix's positions of the normed states (zeros without any)."""
    states = model.hidden_states(torch.from_numpy(tokens)[None])
    logits = model.head(model.ln_f(states[-1]))[0]
    nats = -torch.log_softmax(logits, -1).gather(1, torch.from_numpy(tokens)[:, None])[:, 0]
    norms = [*(block.ln_1 for block in model.blocks), model.ln_f]
    rows = [norm(x)[0, :given] for norm, x in zip(norms, states)]
    features = torch.stack([row.sum(0) / max(given, 1) for row in rows])
    return {"logits": logits, "nats": nats, "features": features}


def greedy(
    model: ImageGPT, session: onnxruntime.InferenceSession, given: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], dict[str, torch.Tensor]]:
    """The likeliest colour at each of `count` positions after `given`, as PyTorch's forward pass has it.

    The graph drafts, one forward pass checks the whole draft, and what comes after the first difference is drafted
    again: the result is PyTorch's own, only without a forward pass a pixel.
    """
    start = len(given)
    tokens = np.concatenate([given, _draft(session, given, count)])
    while True:
        result = reference(model, tokens, start)
        likeliest = result["logits"].argmax(-1).numpy()
        differs = np.flatnonzero(likeliest[start:] != tokens[start:])
        if len(differs) == 0:
            return tokens[start:], result
        place = start + int(differs[0])
        right = np.concatenate([tokens[:place], likeliest[place : place + 1]])
        tokens = np.concatenate([right, _draft(session, right, start + count - place - 1)])


def _draft(session: onnxruntime.InferenceSession, given: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    inputs = stateless_inputs(given[None], np.full((1, count), -1))
    inputs["temperature"][:] = 0
    return session.run(["samples"], inputs)[0][0]


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
    loaded = bundle.read_bundle(folder)
    session = open_graph(folder / "igpt.onnx")
    floats = Floats()
    content = {
        "bundle": {key: loaded.manifest[key] for key in ("id", "version", "architecture")},
        "weightsSha256": loaded.manifest["files"][bundle.WEIGHTS]["sha256"],
        "cases": [golden_case(floats, *case[:1], session, *case[1:], loaded.model, exact) for case in cases],
    }
    (out / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")
    floats.write(out / f"{name}.bin")
    write_logits_graph(out / f"{name}-logits.onnx.gz", loaded.model.config, places_of(folder))


def random_model(config: Config, seed: int) -> ImageGPT:
    """A model whose layers all matter: weights large enough that attention is uneven and logits differ."""
    model = ImageGPT(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim == 2 and name.startswith(("blocks", "head")):
                parameter.copy_(1.2 * noise / parameter.shape[1] ** 0.5)
            elif "ln_" in name:
                parameter.copy_(1 + 0.2 * noise)
            else:
                parameter.copy_((0.1 if name.endswith("bias") else 0.5) * noise)
    return model.eval()


def small_bundles(out: Path) -> None:
    """`tiny` has the real geometry, `biased` real biases and another resolution, `half` is in half precision, `large` is for
    pictures of 64x64; all have random weights."""
    random = np.random.default_rng(7)
    shapes = {
        "tiny": ("int8", Config(layers=2, width=32, heads=2), [(0, 40), (1, 33), (150, 40), (1023, 1), (1024, 0)]),
        "biased": (
            "int8",
            Config(layers=3, width=48, heads=3, positions=256, colors=64, bias=True),
            [(0, 20), (130, 40), (256, 0)],
        ),
        "half": ("fp16", Config(layers=2, width=32, heads=2), [(0, 20), (992, 32), (1024, 0)]),
        "large": ("int8", Config(layers=2, width=32, heads=2, positions=4096), [(0, 20), (2112, 64), (4095, 1), (4096, 0)]),
    }
    for name, (precision, config, lengths) in shapes.items():
        folder = out / name
        shutil.rmtree(folder, ignore_errors=True)
        palette = Palette(random.integers(0, 256, (config.colors, 3), dtype=np.uint8))
        write_bundle(
            folder,
            # With 1 the likeliest colours of "large" end where the tests' top-p does: too near to be told apart.
            random_model(config, seed=2 if name == "large" else 1),
            palette,
            model_id=name,
            version="1",
            precision=precision,
            created="2026-11-22T00:00:00+00:00",
            sampling={"temperature": 0.9, "topP": 0.95} if name == "large" else None,
        )
        tokens = random.integers(0, config.colors, config.positions)
        write_golden(out, name, folder, [(f"{given} given", tokens[:given], count) for given, count in lengths])


def synthetic_picture(palette: Palette) -> NDArray[np.int64]:
    """A disc on a gradient, [1024] tokens."""
    y, x = np.mgrid[0:32, 0:32]
    rgb = np.stack([8 * x, 255 - 7 * y, 4 * (x + y)], axis=-1)
    rgb[(x - 20) ** 2 + (y - 14) ** 2 < 64] = (230, 60, 40)
    return palette.encode(rgb.astype(np.uint8)).reshape(-1).astype(np.int64)


def shipped_cases(palette: Palette) -> list[tuple[str, NDArray[np.int64], int]]:
    """A real photo that may be shipped (web/pictures/SOURCES.md), a synthetic picture, and nothing."""
    with Image.open(PICTURES / "astronaut.png") as image:
        photo = palette.encode(np.asarray(image.convert("RGB"))).reshape(-1).astype(np.int64)
    drawn = synthetic_picture(palette)
    return [
        ("photo, lower half", photo[:512], 512),
        ("photo", photo, 0),
        ("drawing, last rows", drawn[:928], 96),
        ("from nothing", photo[:0], 64),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the folder test/golden")
    parser.add_argument("--small", action="store_true", help="the small bundles and their values")
    parser.add_argument("--bundle", type=Path, help="the shipped bundle's folder")
    parser.add_argument("--checkpoint", type=Path, help="what it was exported from: its float weights")
    args = parser.parse_args()
    if not args.small and not (args.bundle and args.checkpoint):
        parser.error("--small, or --bundle and --checkpoint")
    args.out.mkdir(parents=True, exist_ok=True)
    if args.small:
        small_bundles(args.out)
    if args.bundle:
        exact, palette = load_model(args.checkpoint)
        write_golden(args.out, "shipped", args.bundle, shipped_cases(palette), exact)


if __name__ == "__main__":
    main()
