"""Nats per pixel of a checkpoint's averaged weights on test pictures, beside what a model of single colours reaches.

    python -m igpt.heldout --run cifar10 --file annealed.pt --data train.zip --test test.zip
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from .checkpoint import NAME, load_checkpoint, load_model, run_directory
from .data import cached_tokens
from .model import ImageGPT
from .native import NativeStep
from .runtime import configure
from .step import make_step


@torch.no_grad()
def pixel_nats(model: ImageGPT, tokens: NDArray[np.uint16], batch: int = 4) -> NDArray[np.float64]:
    """Nats of every pixel in float32, uint16 [N, T] -> [N, T]."""
    out = np.empty(tokens.shape)
    for start in range(0, len(tokens), batch):
        part = torch.from_numpy(tokens[start : start + batch].astype(np.int64))
        nats = F.cross_entropy(model(part).flatten(0, 1), part.flatten(), reduction="none")
        out[start : start + batch] = nats.view(part.shape).numpy()
    return out


def heldout_loss(model: ImageGPT, tokens: NDArray[np.uint16], batch: int = 4) -> tuple[float, float]:
    """Mean nats per pixel over all positions, and without the first one, of uint16 [N, T]."""
    nats = pixel_nats(model, tokens, batch).mean(0)
    return float(nats.mean()), float(nats[1:].mean())


def unigram_loss(train: NDArray[np.uint16], test: NDArray[np.uint16], colors: int) -> float:
    """Nats per pixel of the colours' frequencies in `train`, one added to each count."""
    counts = np.bincount(train.ravel(), minlength=colors) + 1.0
    return float(-np.log(counts / counts.sum())[test].mean())


def previous_pixel_loss(train: NDArray[np.uint16], test: NDArray[np.uint16], colors: int) -> float:
    """Nats per pixel, first one left out, of a colour given the one before it: counts in `train`, mixed with the
    colours' frequencies, which weigh as much as ten sightings."""
    pairs = train[:, :-1].astype(np.int64) * colors + train[:, 1:]
    counts = np.bincount(pairs.ravel(), minlength=colors * colors).reshape(colors, colors).astype(np.float64)
    single = np.bincount(train.ravel(), minlength=colors) + 1.0
    single /= single.sum()
    table = (counts + 10 * single) / (counts.sum(1, keepdims=True) + 10)
    return float(-np.log(table[test[:, :-1], test[:, 1:]]).mean())


def subset(tokens: NDArray[np.uint16], count: int) -> NDArray[np.uint16]:
    """`count` pictures spread evenly over all, and so over the classes."""
    return tokens[np.linspace(0, len(tokens) - 1, min(count, len(tokens))).astype(int)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True)
    parser.add_argument("--file", default=NAME, help="which of the run's checkpoints")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="training pictures, for the baselines")
    parser.add_argument("--pictures", type=int, help="only so many, spread evenly")
    parser.add_argument("--step", default="eager", help="eager is float32; native is half precision and faster")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()

    configure(args.threads)
    path = run_directory(args.run) / args.file
    state = load_checkpoint(path)
    model, palette = load_model(path)
    tokens = cached_tokens(args.test, palette)
    if args.pictures:
        tokens = subset(tokens, args.pictures)
    step = make_step(args.step, model, tokens.shape[1], args.threads, 4)
    if isinstance(step, NativeStep):
        by_picture = step.nats(torch.from_numpy(tokens.astype(np.int64))).double().numpy()
    else:
        by_picture = pixel_nats(model, tokens)
    means = by_picture.mean(1)
    result: dict[str, object] = {
        "images": state["images"],
        "pictures": len(tokens),
        "precision": "float16" if isinstance(step, NativeStep) else "float32",
        "nats": round(float(means.mean()), 5),
        "standardError": round(float(means.std() / len(means) ** 0.5), 5),
        "natsWithoutFirst": round(float(by_picture[:, 1:].mean()), 5),
    }
    if args.data:
        train = cached_tokens(args.data, palette)
        result["unigram"] = round(unigram_loss(train, tokens, len(palette.rgb)), 5)
        result["previousPixel"] = round(previous_pixel_loss(train, tokens, len(palette.rgb)), 5)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
