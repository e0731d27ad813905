"""Compares optimisers on a small model: the same pictures in the same order, test loss of the averaged weights.

    python -m igpt.compare --data train.zip --test test.zip --palette palettes/cifar10.json \
        --layers 3 --pictures 2000 adamw:0.002 muon:0.01 muon:0.02
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from .data import cached_tokens
from .heldout import heldout_loss, subset
from .model import Config, ImageGPT
from .palette import Palette
from .runtime import configure
from .schedule import warmup_factor
from .step import make_step
from .train import Options, Trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--palette", type=Path, required=True)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--pictures", type=int, default=2000, help="seen by each candidate")
    parser.add_argument("--test-pictures", type=int, default=100)
    parser.add_argument("--decay", type=float, default=0.2, help="share of the pictures in which the rate falls to 0")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("candidates", nargs="+", help="optimiser:rate[:rate of the tables]")
    args = parser.parse_args()

    configure(args.threads)
    palette = Palette.load(args.palette)
    tokens = cached_tokens(args.data, palette)
    test = subset(cached_tokens(args.test, palette), args.test_pictures)
    for candidate in args.candidates:
        kind, lr, *table = candidate.split(":")
        options = Options(
            batch=args.batch,
            optimiser=kind,
            lr=float(lr),
            table_lr=float(table[0]) if table else Options.table_lr,
            ema=0.98,
            warmup=args.pictures // args.batch // 5,
        )
        torch.manual_seed(options.seed)
        config = Config(args.layers, args.width, args.heads, tokens.shape[1], len(palette.rgb))
        trainer = Trainer(
            ImageGPT(config),
            palette,
            tokens,
            options,
            lambda model: make_step("auto", model, tokens.shape[1], args.threads, 4),
            args.threads,
        )
        started = time.perf_counter()
        steps = args.pictures // options.batch
        falling = max(1, round(steps * args.decay))
        for step in range(steps):
            trainer.step(min(warmup_factor(step, options.warmup), (steps - step) / falling))
        seconds = time.perf_counter() - started
        ImageGPT.load_state_dict(trainer.model, trainer.average.weights)
        nats, _ = heldout_loss(trainer.model, test)
        print(f"{candidate}: {nats:.4f} nats/pixel after {trainer.images} pictures, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
