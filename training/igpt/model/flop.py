"""The arithmetic of a model."""

from __future__ import annotations

from .network import Config


def training_flop(config: Config) -> float:
    """Floating-point operations to train on one picture: two for each multiply-add, causal attention counted as the half
    that it is, the way back twice the way there."""
    width, length = config.width, config.positions
    products = length * (12 * config.layers * width**2 + width * config.colors)
    attention = config.layers * length * (length + 1) * width
    return 3 * 2.0 * (products + attention)
