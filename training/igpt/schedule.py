"""Learning rate without a fixed end: warm-up, stable, and a decay that is a run of its own."""

from __future__ import annotations


def warmup_factor(step: int, warmup: int) -> float:
    """Rises linearly to 1 within `warmup` steps and stays there."""
    return min(1.0, (step + 1) / max(1, warmup))


def decay_factor(progress: float) -> float:
    """Falls linearly from 1 at progress 0 to 0 at progress 1."""
    return max(0.0, 1.0 - progress)
