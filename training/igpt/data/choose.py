"""A few pictures of many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def subset(tokens: NDArray[np.uint16], count: int) -> NDArray[np.uint16]:
    """`count` pictures spread evenly over all, and so over the classes."""
    return tokens[np.linspace(0, len(tokens) - 1, min(count, len(tokens))).astype(int)]


def spread(items: NDArray, count: int) -> NDArray:
    """`count` of the items, evenly spread, so that every class of a sorted set is among them."""
    return items[np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)]
