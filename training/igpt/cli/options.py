"""Options that several commands have, each described once. A command adds those it takes and says what differs."""

from __future__ import annotations

import argparse
from pathlib import Path

OPTIONS: dict[str, dict] = {
    "--bundle": {"type": Path, "metavar": "FOLDER", "help": "a bundle, such as ../r2-assets/models/igpt-base/2"},
    "--checkpoint": {"type": Path, "metavar": "FILE", "help": "a checkpoint of a run"},
    "--data": {"type": Path, "help": "folder or zip of pictures"},
    "--engine": {"help": "name of the folder that an engine's results lie in"},
    "--init-from": {"type": Path, "help": "a bundle's folder or a checkpoint to start from; its shape and palette hold"},
    "--minutes": {"type": float, "help": "of training"},
    "--out": {"type": Path, "help": "what to write"},
    "--resolution": {"type": int, "help": "side of the pictures; default that of --init-from, or 32"},
    "--run": {"metavar": "NAME", "help": "name of a run; its files are in ~/.cache/igpt-edge/runs/NAME"},
    "--seed": {"type": int, "help": "of everything that is drawn at random"},
    "--test": {"type": Path, "help": "folder or zip of test pictures"},
    "--test-pictures": {"type": int, "help": "how many pictures to test on; default %(default)s"},
    "--work": {"type": Path, "metavar": "FOLDER", "help": "an evaluation's sets and samples"},
}


def command_parser(name: str, doc: str, **settings: object) -> argparse.ArgumentParser:
    """A parser of `python -m igpt.NAME`, described by its module's text."""
    form = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(prog=f"python -m igpt.{name}", description=doc, formatter_class=form, **settings)


def add(parser: argparse._ActionsContainer, *names: str, **own: object) -> None:
    """Adds options of OPTIONS; `own` is what differs for this command."""
    for name in names:
        parser.add_argument(name, **{**OPTIONS[name], **own})
