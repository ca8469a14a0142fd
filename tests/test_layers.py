"""Imports go down the list of rooms only, and light rooms stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "rlskills"
HEIGHT = {
    "errors": 0, "tasks": 1, "adapters": 2, "curricula": 2, "models": 2, "simulation": 2,
    "training": 3, "evaluation": 3, "runs": 3, "commands": 4, "cli": 5, "__main__": 6,
}  # fmt: skip
FILES = sorted(PACKAGE.rglob("*.py"))


def room(file: Path) -> str:
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(file: Path) -> set[str]:
    """Rooms of ours that a file imports, anywhere in it."""
    found = set()
    depth = len(file.relative_to(PACKAGE).parts) - 1
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == depth + 1:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {str(name).split(".")[0] for name in names}
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("rlskills."):
            found.add(str(node.module).split(".")[1])
    return found - {"__version__"}


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_go_down(file: Path):
    mine = room(file)
    if mine == "__init__":
        return
    for other in imported(file) - {mine}:
        assert HEIGHT[other] <= HEIGHT[mine], f"{mine} imports {other}"
        if mine in ("adapters", "curricula", "models"):
            assert other in ("errors", "tasks"), f"{mine} imports {other}"


def test_only_training_knows_trl():
    users = {room(f) for f in FILES if "trl" in {n.split(".")[0] for n in _modules(f)}}
    assert users == {"training"}


def _modules(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    return plain | {str(n.module) for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("rlskills.environments", ["numpy", "torch", "transformers"]),
        ("rlskills.curricula", ["torch", "transformers"]),
        ("rlskills_envs.string_transform", ["numpy", "torch"]),
        ("rlskills.cli", ["torch", "transformers", "trl", "tyro"]),
    ],
)
def test_light_rooms_stay_light(module: str, heavy: list[str]):
    program = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    root = PACKAGE.parent
    paths = {"PYTHONPATH": f"{root}:{root / 'envs'}"}
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=paths, check=True
    )
    assert out.stdout.strip() == "[]"


def test_no_module_is_a_warehouse():
    for file in [*FILES, *(PACKAGE.parent / "envs").rglob("*.py")]:
        assert len(file.read_text().splitlines()) <= 400, file
    for file in (PACKAGE.parent / "recipes").glob("*.py"):
        assert len(file.read_text().splitlines()) <= 110, file
