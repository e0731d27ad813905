"""A run: the model with its optimisers and its place in the data."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.palette import nearest_colors
from ..model.device import Device
from ..model.nats import pixel_nats
from ..model.network import ImageGPT
from .optimiser import build_optimisers, set_rate
from .options import Options
from .schedule import rate_factor
from .start import Start

WAIT_EVERY = 20


def mean_loss(model: ImageGPT, tokens: Tensor) -> Tensor:
    """Mean nats per pixel of int64 [B, T]."""
    return F.cross_entropy(model(tokens).float().flatten(0, 1), tokens.flatten())


class Trainer:
    """One update after the other. `micro` pictures go through the model at once; gradients of a batch's parts are added up.
    `data` is kept in the checkpoint for who reads of it: names of the sources and how many pictures they have."""

    def __init__(
        self, start: Start, options: Options, device: Device, micro: int, compiled: bool, data: dict[str, int] | None = None
    ) -> None:
        self.data = data or {}
        self.model = start.model.to(device.kind)
        self.palette = start.palette
        self.base = start.base
        self.options = options
        self.device = device
        self.micro = micro
        self.optimisers = build_optimisers(self.model, options.lr, options.table_lr, options.weight_decay, device.bfloat16)
        self.step_count = 0
        self.seconds = 0.0
        self._colors = torch.from_numpy(start.palette.rgb).to(device.kind, torch.float32)
        self._loss = torch.compile(mean_loss, dynamic=False) if compiled else mean_loss

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0 to 1."""
        if self.options.steps:
            return min(1.0, self.step_count / self.options.steps)
        return min(1.0, self.seconds / (60 * self.options.minutes))

    @property
    def counts(self) -> dict[str, float]:
        """Pictures, steps and seconds that went into the model, those before this run included."""
        before = self.base or {"images": 0, "step": 0, "seconds": 0}
        return {
            "images": before["images"] + self.step_count * self.options.batch,
            "step": before["step"] + self.step_count,
            "seconds": round(before["seconds"] + self.seconds, 1),
        }

    def step(self, pixels: Tensor) -> Tensor:
        """One update on uint8 [batch, side, side, 3]. Returns the mean loss, on the device: reading it waits for the GPU."""
        started = time.perf_counter()
        options = self.options
        set_rate(self.optimisers, rate_factor(self.step_count, self.progress, options.warmup, options.plateau))
        tokens = nearest_colors(pixels, self._colors)
        total = torch.zeros((), device=self.device.kind)
        for part in tokens.split(self.micro):
            with self.device.autocast():
                loss = self._loss(self.model, part) * (len(part) / len(tokens))
            loss.backward()
            total += loss.detach()
        for optimiser in self.optimisers:
            optimiser.step()
        self.model.zero_grad(set_to_none=True)
        self.step_count += 1
        # A GPU is asked for more than it has done; without a wait now and then the clock would run behind it.
        if self.step_count % WAIT_EVERY == 0:
            self.device.wait()
        self.seconds += time.perf_counter() - started
        return total

    def run(self, batches: Iterator[Tensor]) -> Iterator[Tensor]:
        """Steps to the run's end; yields the loss of each. The clock counts waiting for data too."""
        while self.progress < 1:
            started = time.perf_counter()
            pixels = next(batches)
            self.seconds += time.perf_counter() - started
            yield self.step(pixels)

    def test(self, tokens: np.ndarray) -> tuple[float, float]:
        """Nats per pixel of whole pictures and of their lower halves given the upper ones, of uint16 [N, T]."""
        self.model.eval()
        nats = pixel_nats(self.model, tokens, max(1, self.micro), self.device)
        self.model.train()
        return float(nats.mean()), float(nats[:, nats.shape[1] // 2 :].mean())

    def state(self) -> dict:
        """What a checkpoint holds."""
        weights = {name: value.detach().cpu() for name, value in self.model.state_dict().items()}
        return {
            "config": self.model.config.to_dict(),
            "model": weights,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "palette": torch.from_numpy(self.palette.rgb.copy()),
            **self.counts,
            "run": {"step": self.step_count, "seconds": self.seconds},
            "options": dict(vars(self.options)),
            "data": self.data,
            "base": self.base,
            "finished": self.progress >= 1,
        }

    def restore(self, state: dict) -> None:
        """Goes on where `state` was taken; raises ValueError for a run with another palette."""
        if not np.array_equal(state["palette"].numpy(), self.palette.rgb):
            raise ValueError("the checkpoint was made with another palette")
        self.model.load_state_dict(state["model"])
        for optimiser, stored in zip(self.optimisers, state["optimisers"], strict=True):
            rates = [group["base_lr"] for group in optimiser.param_groups]
            optimiser.load_state_dict(stored)
            # Rates are options of the run, not state: a resumed run may be given others.
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["base_lr"] = rate
        self.step_count = state["run"]["step"]
        self.seconds = state["run"]["seconds"]
