"""`rlskills env new`: a working environment file of 25 lines and its test, or a package of both."""

from __future__ import annotations

import keyword
import re
import sys
from importlib import resources
from pathlib import Path

import tyro

from ...environments import names
from ...errors import UserError

TEMPLATES = resources.files("rlskills.cli.env") / "templates"
"""Texts in which NAME, CLASS and DASHED stand for the environment's name in three spellings."""
_IMPORTED = {"draft", "environment", "task", "rlskills"}


def new(
    name: tyro.conf.Positional[str], /, folder: Path = Path("."), package: bool = False
) -> None:
    """Write a small working environment, NAME.py, and its test, test_NAME.py.

    Args:
        name: Name of the environment, in snake_case; its class gets the same in CamelCase.
        folder: Folder for both files; made if there is none.
        package: Write a folder NAME instead, which can be installed: project file, read-me, module,
            test, and the entry point by which the environment is found by name.
    """
    _check_name(name)
    cls = "".join(part.capitalize() for part in name.split("_"))
    files = _package(folder / name, name) if package else _pair(folder, name)
    for file in files:
        if file.exists():
            raise UserError(f"{file} exists already; nothing was written")
    if name in names():
        raise UserError(f"an environment named {name!r} exists already; choose another name")
    try:
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            for word, meant in (("NAME", name), ("CLASS", cls), ("DASHED", name.replace("_", "-"))):
                text = text.replace(word, meant)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write into {folder}: {error.strerror}") from error
    spec = name if package else f"{folder / name}.py:{cls}"
    tests = folder / name if package else folder / f"test_{name}.py"
    install = f"  python -m pip install --no-deps --editable {folder / name}\n" if package else ""
    print(
        f"written: {', '.join(map(str, files))}\n\nTry next:\n{install}"
        f"  rlskills env sample {spec} --level 2\n"
        f"  rlskills env check {spec}\n"
        f"  python -m pytest {tests}\n"
        f"  rlskills run grpo --env {spec}"
    )


def _pair(folder: Path, name: str) -> dict[Path, str]:
    return {
        folder / f"{name}.py": _template("environment.py"),
        folder / f"test_{name}.py": _template("test_file.py"),
    }


def _package(folder: Path, name: str) -> dict[Path, str]:
    return {
        folder / "pyproject.toml": _template("pyproject.toml"),
        folder / "README.md": _template("README.md"),
        folder / name / "__init__.py": '"""The environment NAME for rlskills."""\n',
        folder / name / "environment.py": _template("environment.py"),
        folder / "tests" / f"test_{name}.py": _template("test_package.py"),
    }


def _template(file: str) -> str:
    return (TEMPLATES / f"{file}.txt").read_text(encoding="utf-8")


def _check_name(name: str) -> None:
    """A `UserError` for what cannot name a file, or would hide another module."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UserError(f"{name!r} cannot name an environment; use snake_case, like word_sorting")
    if name in sys.stdlib_module_names or name in _IMPORTED or name.startswith("test_"):
        raise UserError(f"a file {name}.py would hide a module of that name; choose another name")
