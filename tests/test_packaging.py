"""What the package imports is declared, and what it declares is new enough."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = {"rlskills", "rlskills_envs", "rlskills_recipes"}
OPTIONAL = {name for extra in PROJECT["optional-dependencies"].values() for name in extra}


def normal(name: str) -> str:
    """A distribution's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> dict[str, set[str]]:
    """Top-level modules that our code imports anywhere, with the files that do."""
    found: dict[str, set[str]] = {}
    for folder in ("rlskills", "envs", "recipes"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names = [str(node.module)]
                for name in names:
                    found.setdefault(name.split(".")[0], set()).add(str(file.relative_to(ROOT)))
    return {name: files for name, files in found.items() if name not in OURS}


def test_every_import_is_declared():
    declared = {normal(Requirement(text).name) for text in {*PROJECT["dependencies"], *OPTIONAL}}
    known = packages_distributions()
    for module, files in imported().items():
        if module in sys.stdlib_module_names:
            continue
        owners = {normal(name) for name in known.get(module, [module])}
        assert owners & declared, f"{module} is imported by {sorted(files)} and not declared"


def test_torch_is_new_enough_for_muon():
    torch = next(Requirement(t) for t in PROJECT["dependencies"] if t.startswith("torch"))
    assert not torch.specifier.contains(Version("2.8.0"))
    assert torch.specifier.contains(Version("2.9.0"))


def test_the_installed_package_declares_the_same():
    installed = {str(Requirement(t).name) for t in requires("rlskills") or [] if "extra" not in t}
    assert {normal(name) for name in installed} == {
        normal(Requirement(text).name) for text in PROJECT["dependencies"]
    }


def test_the_wheel_has_every_file_of_the_html_page(tmp_path: Path):
    pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    folder = ROOT / "rlskills" / "report" / "html"
    files = {str(file.relative_to(ROOT)) for file in folder.iterdir() if file.is_file()}
    assert files >= {f"rlskills/report/html/{name}" for name in
                     ("page.html", "style.css", "script.js", "figures.js")}  # fmt: skip
    assert files <= set(zipfile.ZipFile(wheel).namelist())
