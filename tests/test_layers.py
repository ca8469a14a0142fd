"""The architecture of CONTRIBUTING.md, held: imports go up its table only, without a circle."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOTS = {"rlskills": ROOT, "rlskills_envs": ROOT / "envs", "rlskills_recipes": ROOT / "recipes"}
TABLE = re.findall(r"^\| `([\w/.]+?)/?` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
ORDER = [entry.removesuffix(".py") for entry in TABLE]
FILES = sorted(
    file
    for entry in ORDER
    for file in (
        [ROOT / f"{entry}.py"] if not (ROOT / entry).is_dir() else (ROOT / entry).rglob("*.py")
    )
)
ON_TOP = {"rlskills/__init__.py", "rlskills/__main__.py"}


def package(file: Path) -> str:
    """The entry of the table that a file belongs to."""
    path = str(file.relative_to(ROOT).with_suffix(""))
    return next(entry for entry in ORDER if path == entry or path.startswith(entry + "/"))


def named(file: Path) -> str:
    """The module name of a file."""
    path = file.relative_to(ROOT).with_suffix("")
    parts = [part for part in path.parts if part not in ("envs", "recipes")]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {named(file): file for file in FILES}


def imported(file: Path, eager: bool) -> Iterator[str]:
    """Modules of ours that a file imports; `eager` ones are imported with it."""
    tree = ast.parse(file.read_text())
    later = set()
    for node in ast.walk(tree):
        checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if eager and (checking or isinstance(node, ast.FunctionDef)):
            later |= {id(inner) for inner in ast.walk(node)}
    above = named(file).split(".")
    above = above if file.name == "__init__.py" else above[:-1]
    for node in ast.walk(tree):
        if id(node) in later:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = above[: len(above) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [
                full if (full := f"{module}.{alias.name}") in MODULES else module
                for alias in node.names
            ]
        else:
            continue
        yield from (name for name in names if name in MODULES and MODULES[name] != file)


def test_every_file_has_its_place_in_the_table():
    assert len(ORDER) == len(set(ORDER)) >= 20
    found = {
        str(file.relative_to(ROOT))
        for top in ("rlskills", "envs", "recipes", "benchmarks")
        for file in (ROOT / top).rglob("*.py")
    }
    assert found - {str(file.relative_to(ROOT)) for file in FILES} == ON_TOP


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_up_the_table(file: Path):
    mine = ORDER.index(package(file))
    for name in imported(file, eager=False):
        other = package(MODULES[name])
        assert ORDER.index(other) <= mine, f"{package(file)} imports {other} ({name})"


def test_no_module_needs_itself_to_be_imported():
    graph = {name: set(imported(file, eager=True)) for name, file in MODULES.items()}
    TopologicalSorter(graph).prepare()


def test_only_training_the_vllm_engine_and_what_compares_with_it_know_trl():
    users = {
        str(file.relative_to(ROOT))
        for file in FILES
        if re.search(r"^\s*(from|import) trl\b", file.read_text(), re.MULTILINE)
    }
    assert users == {
        "rlskills/training/trl.py", "rlskills/training/sft.py", "rlskills/training/zero.py",
        "rlskills/generation/vllm_colocated.py", "rlskills/generation/vllm_server.py",
        "rlskills/bench/stock.py",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("rlskills.spec", ["numpy", "torch", "transformers"]),
        ("rlskills.environments", ["numpy", "torch", "transformers"]),
        ("rlskills.curricula", ["torch", "transformers"]),
        ("rlskills.simulation.run", ["torch", "transformers"]),
        ("rlskills.planning.page", ["numpy", "torch", "transformers"]),
        ("rlskills.cli.plan", ["torch", "transformers", "tyro"]),
        ("rlskills.cli.bench", ["torch", "transformers", "trl", "tyro"]),
        ("rlskills.report.write", ["torch", "transformers", "trl"]),
        ("rlskills_envs.string_transform", ["numpy", "torch"]),
        ("rlskills.cli", ["torch", "transformers", "trl", "tyro"]),
    ],
)
def test_light_packages_stay_light(module: str, heavy: list[str]):
    program = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'envs'}"}
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=paths, check=True
    )
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_module_is_a_warehouse(file: Path):
    most = 80 if package(file).startswith("recipes") else 350
    assert len(file.read_text().splitlines()) <= most
