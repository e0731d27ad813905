"""The learning rate over a run whose length is known: warm-up, plateau, decay to zero."""

from __future__ import annotations


def rate_factor(step: int, progress: float, warmup: int, plateau: float) -> float:
    """What the base rate is multiplied by: rises linearly over the first `warmup` steps, is 1 until `progress` (the share of
    the run that is done, by steps or by the clock) reaches `plateau`, and falls linearly to 0 at the end."""
    rise = min(1.0, (step + 1) / max(1, warmup))
    fall = 1.0 if progress < plateau else max(0.0, (1.0 - progress) / (1.0 - plateau))
    return rise * fall
