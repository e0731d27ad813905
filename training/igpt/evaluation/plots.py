"""The drawings of an evaluation and of a run, as SVG that is the same for the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .copying import Space

GROUPS = {
    "test": ("test pictures", "black"),
    "unconditional": ("samples from nothing", "tab:orange"),
    "completions": ("completions", "tab:blue"),
}


def pyplot():
    """matplotlib without a screen; text stays text, and ids do not change from run to run."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "igpt", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    return plt


def save(figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot().close(figure)


def draw_probe(path: Path, probe: dict[str, float], pixels: float | None, test_pictures: int) -> None:
    """Accuracy by layer, with its standard error over the test pictures, and a probe of raw pixels for scale."""
    figure, axes = pyplot().subplots(figsize=(6.5, 4), layout="constrained")
    layers, accuracy = [int(layer) for layer in probe], np.array(list(probe.values()))
    errors = np.sqrt(accuracy * (1 - accuracy) / test_pictures)
    axes.errorbar(layers, 100 * accuracy, 100 * errors, marker="o", markersize=4, capsize=2)
    if pixels is not None:
        axes.axhline(100 * pixels, color="grey", linestyle="--", linewidth=1)
        axes.text(layers[-1], 100 * pixels, "raw pixels", color="grey", ha="right", va="bottom")
    axes.set(title="Linear probe on pooled features", xlabel="layer", ylabel="accuracy on test, %", xticks=layers)
    axes.grid(alpha=0.3)
    save(figure, path)


def draw_nats(path: Path, nll: NDArray[np.float32]) -> None:
    """How the nats per pixel are spread over pictures."""
    figure, axes = pyplot().subplots(figsize=(6.5, 4), layout="constrained")
    axes.hist(nll, bins=min(60, max(5, len(nll) // 10)), histtype="stepfilled", alpha=0.7)
    axes.axvline(nll.mean(), color="black", linestyle="--", linewidth=1)
    axes.set(title=f"{len(nll):,} pictures, mean {nll.mean():.3f}", xlabel="nats per pixel", ylabel="pictures")
    save(figure, path)


def draw_copying(path: Path, spaces: dict[str, tuple[str, Space]]) -> None:
    """Distances to the nearest training picture, and these relative to the 50 nearest, a column a space."""
    figure, rows = pyplot().subplots(2, len(spaces), figsize=(4.2 * len(spaces), 6), layout="constrained", squeeze=False)
    for column, (title, (unit, space)) in enumerate(spaces.items()):
        for axes, values, label in ((rows[0], space.near, unit), (rows[1], space.relative, "nearest / mean of the 50 nearest")):
            together = np.concatenate(list(values.values()))
            bins = np.linspace(together.min(), together.max() + 1e-6, 30)
            for group, distances in values.items():
                name, color = GROUPS[group]
                axes[column].hist(distances, bins, density=True, histtype="step", linewidth=1.4, label=name, color=color)
            axes[column].set(xlabel=label, yticks=[])
        rows[0][column].set_title(title)
    rows[0][0].legend(fontsize="small")
    save(figure, path)


def draw_curve(path: Path, entries: list[dict], flop: float) -> None:
    """A run's curve (`training/journal.py`) against the pictures seen; `flop` are the operations for one picture."""
    figure, axes = pyplot().subplots(figsize=(8, 4.5), layout="constrained")
    kinds = {
        "loss": ("training", {"linewidth": 0.8, "alpha": 0.6}),
        "test": ("test", {"marker": "o", "markersize": 3}),
        "testLower": ("test, lower half given the upper", {"marker": "s", "markersize": 3}),
    }
    for key, (label, style) in kinds.items():
        points = [(entry["images"], entry[key]) for entry in entries if key in entry]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, **style)
    axes.set(xlabel="pictures seen", ylabel="nats per pixel", ylim=(None, 4))
    axes.grid(alpha=0.3)
    axes.legend()
    petaflop = flop / 1e15
    above = axes.secondary_xaxis("top", functions=(lambda pictures: pictures * petaflop, lambda done: done / petaflop))
    above.set_xlabel("compute, PFLOP")
    save(figure, path)
