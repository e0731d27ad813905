"""Arrows between the package's modules: no circles, none against the order of the folders (igpt.LAYERS), none to a command."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import igpt

ROOT = Path(igpt.__file__).parent
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(ROOT.rglob("*.py"))}
COMMANDS = {name for name in MODULES if "." not in name and name != "__init__"}
LONGEST = 250


def imports_of(module: str, source: str) -> Iterator[str]:
    """Modules of the package that a module imports, those inside of functions too."""
    folder = module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom) or node.level == 0:
            continue
        base = [*folder[: len(folder) - node.level + 1], *(node.module or "").split(".")]
        for alias in node.names:
            names = (".".join(part for part in parts if part) for parts in ([*base, alias.name], base, [*base, "__init__"]))
            yield next(name for name in names if name in MODULES)


def layer(module: str) -> str:
    return module.split(".")[0]


def problems(arrows: dict[str, set[str]]) -> list[str]:
    """Arrows that are not allowed, and the first circle."""
    found = []
    for module, targets in arrows.items():
        for target in sorted(targets):
            if target in COMMANDS:
                found.append(f"{module} imports the command {target}")
            elif module not in COMMANDS and igpt.LAYERS.index(layer(target)) > igpt.LAYERS.index(layer(module)):
                found.append(f"{module} imports {target}, which comes after it")
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        found.append(" -> ".join(error.args[1]))
    return found


def test_arrows_go_one_way() -> None:
    arrows = {name: set(imports_of(name, path.read_text())) for name, path in MODULES.items()}
    assert sum(map(len, arrows.values())) > 100
    assert problems(arrows) == []


@pytest.mark.parametrize(
    ("module", "source", "problem"),
    [
        ("data.cache", "from ..model.network import Config", "data.cache imports model.network, which comes after it"),
        ("data.files", "def late():\n    from .decode import open_picture", "data.files -> data.decode -> data.files"),
        ("evaluation.card", "from .. import curve", "evaluation.card imports the command curve"),
        ("make", "from .train import main", "make imports the command train"),
    ],
)
def test_a_wrong_arrow_is_seen(module: str, source: str, problem: str) -> None:
    arrows = {name: set(imports_of(name, path.read_text())) for name, path in MODULES.items()}
    arrows[module] = arrows[module] | set(imports_of(module, source))
    assert [line for line in problems(arrows) if set(problem.split()) <= set(line.split())]


def test_every_folder_has_its_place() -> None:
    assert {layer(name) for name in MODULES if "." in name} == set(igpt.LAYERS)


def test_modules_are_short() -> None:
    long = {name: count for name, path in MODULES.items() if (count := len(path.read_text().splitlines())) > LONGEST}
    assert long == {}


def test_every_command_is_in_the_first_screen_of_the_readme() -> None:
    first = "\n".join((ROOT.parent / "README.md").read_text().splitlines()[:40])
    assert {name for name in COMMANDS if f"-m igpt.{name} " not in first} == set()
