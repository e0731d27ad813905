"""Progress of a run: a line for people on standard output and one for programs in `curve.jsonl`."""

from __future__ import annotations

import json
import time
from pathlib import Path

CURVE = "curve.jsonl"


class Journal:
    """`curve.jsonl` has an object a line: `images`, `step` and `seconds` of the whole model, and what is told."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / CURVE

    def write(self, counts: dict[str, float], text: str, **values: float | str) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps({**counts, **values}) + "\n")
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def in_words(seconds: float) -> str:
    """How long something takes, as a person would say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def read_curve(path: Path) -> list[dict]:
    """Entries of a `curve.jsonl` in order of pictures; where a run went back to a checkpoint, what it redid counts."""
    entries: list[dict] = []
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if entry.get("event") in ("resumed", "started"):
            entries = [earlier for earlier in entries if earlier["images"] <= entry["images"]]
        entries.append(entry)
    return entries
