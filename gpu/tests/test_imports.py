"""The engine stands alone: what Triton is given is this package without the trainer's."""

import ast
from pathlib import Path

GPU = Path(__file__).parents[1]


def test_nothing_of_the_trainer_is_imported() -> None:
    files = [*(GPU / "igpt_gpu").rglob("*.py"), *(GPU / "triton_backend").rglob("*.py")]
    assert len(files) > 10
    imported = {
        (file.name, name.split(".")[0])
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert ("model.py", "igpt_gpu") in imported
    assert [one for one in imported if one[1] == "igpt"] == []
