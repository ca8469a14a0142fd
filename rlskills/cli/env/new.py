"""`rlskills env new`: a working environment file of 25 lines and its test, or a package of both."""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path

import tyro

from ...environments import names
from ...errors import UserError

ENVIRONMENT = '''\
"""Sums, e.g. "What is 417 + 72? Reply with <answer>number</answer>."."""

import random
from dataclasses import dataclass

from rlskills.environments import Draft, Environment, Task, register


@register("NAME")
class CLASS(Environment):
    """Add two numbers; a level sets how many digits they have."""

    @dataclass(frozen=True)
    class Config(Environment.Config):
        digits: int = 3

    levels = ({"digits": 3}, {"digits": 6}, {"digits": 9})

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        a, b = rng.randrange(10**cfg.digits), rng.randrange(10**cfg.digits)
        question = f"What is {a} + {b}? Reply with <answer>number</answer>."
        return Draft(question, str(a + b), skills=("add",), data={"a": a, "b": b})

    def solution(self, task: Task) -> str:
        return f"{task.data['a']} + {task.data['b']} = {task.answer}\\n{self.answer_only(task)}"
'''

TEST = '''\
"""Tests of the environment NAME; `python -m pytest` runs them."""

IMPORTSfrom rlskills.environments import load
from rlskills.environments.conformance import check

SPEC = SPECIFICATION


def test_right_and_wrong_answers():
    env = load(SPEC)
    task = env.task("train", level=1, index=0)
    assert env.score(task, f"<answer>{task.data['a'] + task.data['b']}</answer>").correct
    assert not env.score(task, f"<answer>{task.data['a']}</answer>").correct
    assert not env.score(task, "no answer").correct


def test_conforms():
    assert [found for found in check(SPEC) if found.level == "failure"] == []
'''

IN_FILE = """f"{Path(__file__).with_name('NAME.py')}:CLASS\""""
"""How the test of a single file finds its environment."""

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "DASHED"
version = "0.1.0"
description = "CLASS: an environment for rlskills"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["rlskills"]

[project.entry-points."rlskills.environments"]
NAME = "NAME.environment:CLASS"

[tool.hatch.build.targets.wheel]
packages = ["NAME"]
"""

README = """\
# DASHED

An environment for rlskills. Once it is installed it is found by name:

```sh
pip install -e .
rlskills env sample NAME --level 2
rlskills env check NAME --golden golden
python -m pytest
rlskills run grpo --env NAME
```

The first check writes a digest of the tasks to `golden/`; later ones compare with it. Commit the
file, and raise `version` in `NAME/environment.py` whenever the same address gives another task.
"""

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
    test = TEST.replace("IMPORTS", "from pathlib import Path\n\n").replace("SPECIFICATION", IN_FILE)
    return {folder / f"{name}.py": ENVIRONMENT, folder / f"test_{name}.py": test}


def _package(folder: Path, name: str) -> dict[Path, str]:
    return {
        folder / "pyproject.toml": PYPROJECT,
        folder / "README.md": README,
        folder / name / "__init__.py": '"""The environment NAME for rlskills."""\n',
        folder / name / "environment.py": ENVIRONMENT,
        folder / "tests" / f"test_{name}.py": TEST.replace("IMPORTS", "").replace(
            "SPECIFICATION", '"NAME"'
        ),
    }


def _check_name(name: str) -> None:
    """A `UserError` for what cannot name a file, or would hide another module."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UserError(f"{name!r} cannot name an environment; use snake_case, like word_sorting")
    if name in sys.stdlib_module_names or name in _IMPORTED or name.startswith("test_"):
        raise UserError(f"a file {name}.py would hide a module of that name; choose another name")
