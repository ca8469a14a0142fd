"""`rlskills env new`: a working environment file of 25 lines, and its test."""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path

import tyro

from ..errors import UserError
from ..tasks import names

ENVIRONMENT = '''\
"""Sums, e.g. "What is 417 + 72? Reply with <answer>number</answer>."."""

import random
from dataclasses import dataclass

from rlskills.tasks import Draft, Environment, Task, register


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
"""Tests of the environment in NAME.py; `pytest test_NAME.py` runs them."""

from pathlib import Path

from rlskills.tasks import load
from rlskills.tasks.checks import check

SPEC = f"{Path(__file__).with_name('NAME.py')}:CLASS"


def test_right_and_wrong_answers():
    env = load(SPEC)
    task = env.task("train", level=1, index=0)
    assert env.score(task, f"<answer>{task.data['a'] + task.data['b']}</answer>").correct
    assert not env.score(task, f"<answer>{task.data['a']}</answer>").correct
    assert not env.score(task, "no answer").correct


def test_conforms():
    assert [found for found in check(SPEC) if found.level == "failure"] == []
'''

_IMPORTED = {"draft", "environment", "task", "rlskills"}


def new(name: tyro.conf.Positional[str], /, folder: Path = Path(".")) -> None:
    """Write a small working environment, NAME.py, and its test, test_NAME.py.

    Args:
        name: Name of the environment, in snake_case; its class gets the same in CamelCase.
        folder: Folder for both files; made if there is none.
    """
    _check_name(name)
    cls = "".join(part.capitalize() for part in name.split("_"))
    files = {folder / f"{name}.py": ENVIRONMENT, folder / f"test_{name}.py": TEST}
    for file in files:
        if file.exists():
            raise UserError(f"{file} exists already; nothing was written")
    if name in names():
        raise UserError(f"an environment named {name!r} exists already; choose another name")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            file.write_text(text.replace("NAME", name).replace("CLASS", cls), encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write into {folder}: {error.strerror}") from error
    file, test = files
    print(
        f"written: {file} and {test}\n\nTry next:\n"
        f"  rlskills env sample {file}:{cls} --level 2\n"
        f"  rlskills env check {file}:{cls}\n"
        f"  python -m pytest {test}\n"
        f"  rlskills run grpo --env {file}:{cls}"
    )


def _check_name(name: str) -> None:
    """A `UserError` for what cannot name a file, or would hide another module."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UserError(f"{name!r} cannot name an environment; use snake_case, like word_sorting")
    if name in sys.stdlib_module_names or name in _IMPORTED or name.startswith("test_"):
        raise UserError(f"a file {name}.py would hide a module of that name; choose another name")
