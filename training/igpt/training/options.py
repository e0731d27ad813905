"""What decides the course of a run."""

from __future__ import annotations

from dataclasses import dataclass

FINE_TUNE = {"lr": 0.002, "table_lr": 0.0005, "plateau": 0.0}
"""Options of a run that starts from a trained model: a high rate would first undo what it knows."""


@dataclass(frozen=True)
class Options:
    """What decides the course of a run; kept in the checkpoint, so that a resumed run cannot drift from itself.

    The length is `minutes`, or `steps` where that is not 0."""

    minutes: float = 60
    steps: int = 0
    batch: int = 64
    lr: float = 0.02
    table_lr: float = 0.004
    weight_decay: float = 0.01
    warmup: int = 100
    plateau: float = 0.35
    crop: float = 0.5
    seed: int = 0
