"""Trains an image GPT: warm-up, then a constant learning rate for as long as it is left running.

    python -m igpt.train --run cifar10 --data train.zip --test test.zip --palette palettes/cifar10.json

A run that exists goes on from its last checkpoint. `python -m igpt.anneal` turns a checkpoint into a finished model.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .bundle import read_bundle
from .checkpoint import NAME, keep_checkpoint, load_checkpoint, run_directory, save_checkpoint
from .data import Batches, cached_tokens
from .heldout import heldout_loss, subset
from .model import Config, ImageGPT
from .native import NativeStep
from .optim import Average, build_optimisers, set_rate
from .palette import Palette
from .runtime import configure
from .schedule import warmup_factor
from .step import Step, TorchStep, make_step


@dataclass(frozen=True)
class Options:
    """What decides the course of a run; kept in the checkpoint, so that a resumed run cannot drift from itself."""

    batch: int = 16
    optimiser: str = "muon"
    lr: float = 0.01
    table_lr: float = 0.003
    weight_decay: float = 0.01
    warmup: int = 100
    ema: float = 0.998
    shift: int = 0
    seed: int = 0


class Trainer:
    """A model with its optimisers, average and place in the data."""

    def __init__(
        self,
        model: ImageGPT,
        palette: Palette,
        tokens: np.ndarray,
        options: Options,
        make: Callable[[ImageGPT], Step],
        threads: int = 1,
    ) -> None:
        self.model = model
        self.palette = palette
        self.options = options
        self.batches = Batches(tokens, options.batch, options.seed, options.shift)
        # Before anything else keeps the parameters: a step may move them.
        self.gradients = make(model)
        if isinstance(self.gradients, NativeStep):
            # It has threads of its own; what is left for PyTorch is too small to share out (see `Muon`).
            torch.set_num_threads(1)
        # Where the step's products are faster in bfloat16, the optimiser's are too.
        fast = isinstance(self.gradients, TorchStep) and self.gradients.bfloat16
        precision = torch.bfloat16 if fast else torch.float32
        self.optimisers = build_optimisers(
            model, options.optimiser, options.lr, options.table_lr, options.weight_decay, threads, precision
        )
        self.average = Average(model, options.ema)
        self.images = 0
        self.steps = 0
        self.seconds = 0.0
        self.skipped = 0
        # Of the bundle that this run goes on from: its name, and the steps and seconds that went into it.
        self.base: dict | None = None

    def step(self, factor: float | None = None) -> float:
        """One update; `factor` of the base learning rate, by default the warm-up's. Returns the batch's mean loss.

        A batch whose gradients are not finite changes nothing and is counted in `skipped`.
        """
        started = time.perf_counter()
        set_rate(self.optimisers, warmup_factor(self.steps, self.options.warmup) if factor is None else factor)
        loss, finite = self.gradients(self.batches.batch(self.images))
        if finite:
            for optimiser in self.optimisers:
                optimiser.step()
            self.average.update(self.model)
        else:
            self.skipped += 1
        self.images += self.options.batch
        self.steps += 1
        self.seconds += time.perf_counter() - started
        return loss

    def state(self) -> dict:
        return {
            "config": self.model.config.to_dict(),
            "model": self.model.state_dict(),
            "ema": self.average.weights,
            "average": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "palette": torch.from_numpy(self.palette.rgb.copy()),
            "images": self.images,
            "step": self.steps,
            "seconds": self.seconds,
            "options": dict(vars(self.options)),
            "base": self.base,
        }

    def go_on_from(self, manifest: dict) -> None:
        """Counts what a bundle has seen and cost as this run's own; its weights are the model's already."""
        made = manifest["provenance"]
        self.base = {"bundle": f"{manifest['id']}/{manifest['version']}", "step": made["step"], "seconds": made["seconds"]}
        self.images = made["images"]

    def restore(self, state: dict) -> None:
        """Takes over weights, optimiser state and place in the data from `state`."""
        if not np.array_equal(state["palette"].numpy(), self.palette.rgb):
            raise ValueError("the checkpoint was trained with another palette")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimiser, stored in zip(self.optimisers, state["optimisers"], strict=True):
            rates = [group["base_lr"] for group in optimiser.param_groups]
            optimiser.load_state_dict(stored)
            # Rates are options of the run, not state: a resumed run may be given others.
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["base_lr"] = rate
        self.images = state["images"]
        self.steps = state["step"]
        self.seconds = state["seconds"]
        self.base = state.get("base")

    def test(self, tokens: np.ndarray) -> tuple[float, float]:
        """`heldout_loss` of the averaged weights; in half precision when the step is the native one."""
        current = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average.weights)
        try:
            if not isinstance(self.gradients, NativeStep):
                return heldout_loss(self.model, tokens)
            by_pixel = self.gradients.nats(torch.from_numpy(tokens.astype(np.int64))).double().mean(0)
            return float(by_pixel.mean()), float(by_pixel[1:].mean())
        finally:
            self.model.load_state_dict(current)


class Journal:
    """Progress of a run: a line for people on standard output and one for programs in `curve.jsonl`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "curve.jsonl"

    def write(self, trainer: Trainer, text: str, **values: float | str) -> None:
        spent = trainer.seconds + (trainer.base["seconds"] if trainer.base else 0)
        entry = {"images": trainer.images, "step": trainer.steps, "seconds": round(spent, 1), **values}
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        skipped = f", {trainer.skipped} batches skipped" if trainer.skipped else ""
        print(f"{time.strftime('%H:%M:%S')} {text}{skipped}", flush=True)


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, help="name; files go to ~/.cache/igpt-edge/runs/NAME")
    parser.add_argument("--data", type=Path, required=True, help="folder or zip of training pictures")
    parser.add_argument("--test", type=Path, help="folder or zip of test pictures")
    parser.add_argument("--test-pictures", type=int, default=250, help="how many of them to test on along the way")
    parser.add_argument("--test-minutes", type=float, default=12, help="minutes between tests")
    parser.add_argument("--palette", type=Path, help="file written by igpt.palette; for a new run")
    parser.add_argument("--micro", type=int, default=4, help="pictures in one forward pass of PyTorch")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--step", default="auto", help="auto, native (AVX512-FP16), bfloat16, compiled or eager")


def open_run(
    args: argparse.Namespace, stored: dict | None, options: Options | None = None
) -> tuple[Trainer, np.ndarray, np.ndarray | None]:
    """The trainer of a run, new or as `stored` left it, with the tokens to train on and those to test on.

    Without `options` those of the checkpoint hold.
    """
    if options is None:
        if stored is None:
            raise ValueError("a new run needs options")
        options = Options(**stored["options"])
    bundle = read_bundle(args.init_from) if stored is None and getattr(args, "init_from", None) else None
    if stored is not None:
        palette = Palette(stored["palette"].numpy())
    elif bundle is not None:
        palette = Palette(bundle.palette)
    elif args.palette is not None:
        palette = Palette.load(args.palette)
    else:
        raise ValueError("a new run needs --palette or --init-from")
    if args.palette is not None and not np.array_equal(Palette.load(args.palette).rgb, palette.rgb):
        raise ValueError(f"{args.palette} is not the palette that this model was made with, and a model cannot change it")
    tokens = cached_tokens(args.data, palette)
    test_tokens = subset(cached_tokens(args.test, palette), args.test_pictures) if args.test else None
    torch.manual_seed(options.seed)
    if stored is not None:
        model = ImageGPT(Config(**stored["config"]))
    elif bundle is not None:
        model = bundle.model.train()
    else:
        model = ImageGPT(Config(args.layers, args.width, args.heads, tokens.shape[1], len(palette.rgb)))
    trainer = Trainer(
        model,
        palette,
        tokens,
        options,
        lambda model: make_step(args.step, model, tokens.shape[1], args.threads, args.micro),
        args.threads,
    )
    if stored is not None:
        trainer.restore(stored)
    elif bundle is not None and args.go_on:
        trainer.go_on_from(bundle.manifest)
    return trainer, tokens, test_tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data_arguments(parser)
    shape = Config()
    for name in ("layers", "width", "heads"):
        parser.add_argument(f"--{name}", type=int, default=getattr(shape, name))
    for name, value in vars(Options()).items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(value), help=f"default {value}, or what the run was started with"
        )
    parser.add_argument("--init-from", type=Path, help="bundle to start a new run from; its shape and palette hold")
    parser.add_argument(
        "--go-on", action="store_true", help="with --init-from, on its data: go on after the pictures that it has seen, whose time counts"
    )
    parser.add_argument("--epochs", type=float, default=20, help="where to stop, unless stopped before")
    parser.add_argument("--minutes", type=float, help="stop after so many minutes")
    parser.add_argument("--save-minutes", type=float, default=3)
    parser.add_argument("--keep", type=int, default=10_000, help="keep a checkpoint for good every so many pictures")
    args = parser.parse_args()

    configure(args.threads)
    directory = run_directory(args.run)
    journal = Journal(directory)
    stored = load_checkpoint(directory / NAME) if (directory / NAME).exists() else None
    given = {name: value for name in vars(Options()) if (value := getattr(args, name)) is not None}
    options = Options(**{**(stored["options"] if stored else {}), **given})
    trainer, tokens, test_tokens = open_run(args, stored, options)
    count = sum(weight.numel() for weight in trainer.model.parameters())
    verb = "resumed" if trainer.images else "started"
    journal.write(trainer, f"{verb} {args.run} at {trainer.images} pictures: {count:,} parameters, {options}", event=verb)

    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    goal = int(args.epochs * len(tokens))
    kept = trainer.images // args.keep
    started = saved = tested = reported = time.monotonic()
    since, losses = trainer.images, []
    while not stopping and trainer.images < goal:
        losses.append(trainer.step())
        now = time.monotonic()
        if not np.isfinite(losses[-1]):
            sys.exit(f"the loss became {losses[-1]} at {trainer.images} pictures; the last checkpoint is whole")
        if now - reported > 30:
            speed = (trainer.images - since) / (now - reported)
            hours = (goal - trainer.images) / speed / 3600
            left = f"{args.minutes - (now - started) / 60:.0f} min left" if args.minutes else f"{hours:.1f} h to {args.epochs:g} epochs"
            journal.write(
                trainer,
                f"{trainer.images} pictures ({trainer.images / len(tokens):.3f} epochs), loss {np.mean(losses):.4f}, "
                f"{speed:.2f} pictures/s, {left}",
                loss=round(float(np.mean(losses)), 5),
                speed=round(speed, 3),
            )
            reported, since, losses = now, trainer.images, []
        if now - saved > args.save_minutes * 60:
            save_checkpoint(directory / NAME, trainer.state())
            saved = time.monotonic()
            if trainer.images // args.keep > kept:
                kept = trainer.images // args.keep
                keep_checkpoint(directory, trainer.images)
        if test_tokens is not None and now - tested > args.test_minutes * 60:
            nats, rest = trainer.test(test_tokens)
            journal.write(
                trainer, f"test {nats:.4f} nats/pixel on {len(test_tokens)} pictures, averaged weights", test=round(nats, 5), testRest=round(rest, 5)
            )
            tested = reported = time.monotonic()
            since = trainer.images
        if args.minutes and now - started > args.minutes * 60:
            break
    save_checkpoint(directory / NAME, trainer.state())
    journal.write(trainer, f"stopped at {trainer.images} pictures", event="stopped")


if __name__ == "__main__":
    main()
