"""A run from its first step, or from its last checkpoint, to its end."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import numpy as np
import torch

from ..data.choose import subset
from ..data.crops import Crops, batches
from ..data.decode import decode_middle
from ..data.labelled import SIDE, cached_tokens
from ..data.palette import Palette
from ..data.photos import Photos, load_photos
from ..model.checkpoint import NAME, load_checkpoint, run_directory, save_checkpoint
from ..model.device import Device, choose_device
from ..model.network import Config, ImageGPT
from .journal import Journal, in_words
from .options import FINE_TUNE, Options
from .start import Start, fresh, load_start
from .trainer import Trainer

REPORT_SECONDS = 15.0


def choose_options(args: argparse.Namespace, stored: dict | None) -> Options:
    """What was given, else what the run was started with, else the defaults for its kind of start."""
    given = {name: value for name in vars(Options()) if (value := getattr(args, name)) is not None}
    base = stored["options"] if stored else {**vars(Options()), **(FINE_TUNE if args.init_from else {})}
    return Options(**{**base, **given})


def choose_start(args: argparse.Namespace, stored: dict | None, seed: int) -> Start:
    """The model that the run begins with; a stored run's weights are put into it later."""
    if stored is not None:
        return Start(ImageGPT(Config(**stored["config"])), Palette(stored["palette"].numpy()), stored["base"])
    if args.init_from is not None:
        start = load_start(args.init_from, args.resolution)
        if args.palette is not None and not np.array_equal(Palette.load(args.palette).rgb, start.palette.rgb):
            raise ValueError(f"{args.palette} is not the palette that {args.init_from} was made with, and a model cannot change it")
        return start
    if args.palette is None:
        raise ValueError("a new run needs --palette (made by igpt.palette) or --init-from")
    side = args.resolution or SIDE
    return fresh(Config(args.layers, args.width, args.heads, side * side), Palette.load(args.palette), seed)


def test_tokens(args: argparse.Namespace, photos: Photos, palette: Palette, side: int) -> np.ndarray | None:
    """uint16 [N, side * side] of the test pictures' middle squares, or of what was held out; None without either."""
    if args.test:
        return subset(cached_tokens(args.test, palette, side), args.test_pictures)
    if not photos.held_out:
        return None
    chosen = list(photos.held_out.items())[: args.test_pictures]
    pixels = np.stack([decode_middle(name, contents, side) for name, contents in chosen])
    return palette.encode(pixels).reshape(len(pixels), -1)


def default_micro(device: Device, positions: int, batch: int) -> int:
    """Pictures at once: some 64k positions on a GPU, 8k on a CPU, where more only leaves the cache."""
    return max(1, min(batch, (65536 if device.kind == "cuda" else 16384 if device.kind == "mps" else 8192) // positions))


def can_compile(device: Device) -> bool:
    """torch.compile needs Triton on CUDA and a C++ compiler on a CPU; on MPS it is not worth it yet."""
    if device.kind == "mps":
        return False
    return device.kind == "cuda" or shutil.which(os.environ.get("CXX", "g++")) is not None


def train(args: argparse.Namespace) -> Path:
    """Runs to the end, or to SIGTERM; returns the checkpoint's path."""
    device = choose_device(args.device, args.precision, args.threads)
    directory = run_directory(args.run)
    path = directory / NAME
    stored = load_checkpoint(path) if path.exists() else None
    options = choose_options(args, stored)
    start = choose_start(args, stored, options.seed)
    side = round(start.model.config.positions**0.5)
    photos = load_photos(args.data, side, args.hold_out)
    test = test_tokens(args, photos, start.palette, side)
    micro = args.micro or default_micro(device, side * side, options.batch)
    trainer = Trainer(start, options, device, micro, can_compile(device) and not args.eager, photos.sources)
    if stored is not None:
        trainer.restore(stored)
    if trainer.progress >= 1:
        print(f"{args.run} is finished; --init-from {path} starts a new run from it, more --minutes lengthen this one")
        return path
    workers = args.workers if args.workers is not None else (max(1, (os.cpu_count() or 2) - 1) if device.kind == "cuda" else 1)
    crops = Crops(photos, options.batch, side, options.seed, options.crop)
    data = batches(crops, trainer.step_count, workers, device.kind == "cuda")
    if args.same_batch:
        data = repeat(next(data))
    _loop(args, trainer, data, Journal(directory), path, test, len(photos))
    return path


def _loop(args: argparse.Namespace, trainer: Trainer, data: Iterator[torch.Tensor], journal: Journal, path: Path, test: np.ndarray | None, count: int) -> None:
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    previous = {kind: signal.signal(kind, stop) for kind in (signal.SIGTERM, signal.SIGINT)}
    parameters = sum(weight.numel() for weight in trainer.model.parameters())
    verb = "resumed" if trainer.step_count else "started"
    journal.write(
        trainer.counts,
        f"{verb} {args.run}: {parameters:,} parameters, {count:,} pictures, on {trainer.device}, {trainer.options}",
        event=verb,
    )

    def tell_test() -> None:
        whole, lower = trainer.test(test)
        journal.write(
            trainer.counts,
            f"test {whole:.4f} nats/pixel on {len(test)} pictures, {lower:.4f} in the lower half given the upper",
            test=round(whole, 5),
            testLower=round(lower, 5),
        )

    if test is not None:
        tell_test()
    saved = tested = told = time.monotonic()
    since, spent = trainer.step_count, trainer.seconds
    losses: list[torch.Tensor] = []
    for loss in trainer.run(data):
        losses.append(loss)
        now = time.monotonic()
        if now - told > REPORT_SECONDS or stopping or trainer.progress >= 1:
            mean = float(torch.stack(losses).mean())
            if not np.isfinite(mean):
                sys.exit(f"the loss became {mean} at {trainer.counts['images']:,} pictures; the last checkpoint is whole. Try a lower --lr and --table-lr")
            speed = (trainer.step_count - since) * trainer.options.batch / max(1e-9, trainer.seconds - spent)
            left = trainer.seconds / max(1e-9, trainer.progress) - trainer.seconds
            journal.write(
                trainer.counts,
                f"{trainer.counts['images']:,} pictures, loss {mean:.4f}, {speed:,.1f} pictures/s, {100 * trainer.progress:.0f}%, {in_words(left)} left",
                loss=round(mean, 5),
                speed=round(speed, 2),
            )
            told, since, spent, losses = time.monotonic(), trainer.step_count, trainer.seconds, []
        if stopping:
            break
        if now - saved > args.save_minutes * 60:
            save_checkpoint(path, trainer.state())
            saved = time.monotonic()
        if test is not None and now - tested > args.test_minutes * 60 and trainer.progress < 1:
            tell_test()
            tested = time.monotonic()
    save_checkpoint(path, trainer.state())
    if test is not None and not stopping:
        tell_test()
    journal.write(trainer.counts, f"{'stopped' if stopping else 'finished'} at {trainer.counts['images']:,} pictures: {path}", event="stopped" if stopping else "finished")
    for kind, handler in previous.items():
        signal.signal(kind, handler)
