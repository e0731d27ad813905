"""Pictures that the Worker's engine drew: `NAME.bin` uint16 [prompts, samples, T] beside `NAME.json`, in one folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .copying import mirrored
from .pictureset import PictureSet, write_set

TEMPERATURE = "temperature-"


def read_samples(folder: Path, name: str) -> NDArray[np.uint16]:
    """[prompts, samples, T]"""
    facts = json.loads((folder / f"{name}.json").read_text())
    return np.fromfile(folder / f"{name}.bin", np.uint16).reshape(facts["prompts"], facts["samples"], -1)


def by_temperature(folder: Path) -> dict[float, NDArray[np.uint16]]:
    """The samples drawn of the same prompts at several temperatures, rising."""
    found = {float(path.stem.removeprefix(TEMPERATURE)): path.stem for path in folder.glob(f"{TEMPERATURE}*.json")}
    return {temperature: read_samples(folder, found[temperature]) for temperature in sorted(found)}


def compared_groups(completed: PictureSet, folder: Path) -> dict[str, NDArray[np.uint16]]:
    """What is held against the training pictures, [N, T] each: test pictures, samples from nothing, and what the model
    made of the upper halves of those same test pictures."""
    unconditional, completions = (read_samples(folder, name) for name in ("unconditional", "completions"))
    return {
        "test": completed.tokens,
        "unconditional": unconditional.reshape(-1, completed.tokens.shape[1]),
        "completions": completions.reshape(-1, completed.tokens.shape[1]),
    }


def write_queries(out: Path, groups: dict[str, NDArray[np.uint16]], manifest: dict) -> None:
    """One set of all groups, each followed by its mirror images, so that an engine computes their features."""
    tokens = np.concatenate([part for group in groups.values() for part in (group, mirrored(group))])
    counts = {name: len(group) for name, group in groups.items()}
    write_set(out, tokens, np.zeros(len(tokens), np.int64), manifest, groups=counts)


def read_queries(queries: PictureSet, engine: str, layer: int) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Features of one layer by group, [N, width] and those of the mirror images."""
    features = queries.features(engine)[:, layer]
    groups, start = {}, 0
    for name, count in queries.facts["groups"].items():
        groups[name] = (features[start : start + count], features[start + count : start + 2 * count])
        start += 2 * count
    return groups
