"""The conformance checks pass what is sound and catch each kind of broken environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlskills.environments.conformance import CHECKS, check, isolated
from rlskills.errors import UserError

SOUND = '''
import random
from rlskills.environments import Draft, Environment, Holdout

class Sound(Environment):
    """Add two numbers."""
    name = "sound"
    levels = ({}, {})

    def make(self, rng, cfg):
        a, b = rng.randrange(10**6), rng.randrange(10**6)
        return Draft(prompt=f"{a}+{b}", answer=str(a + b), skills=("add",))
'''

BROKEN = {
    "accepts anything": ("junk", "def verify(self, task, answer): return True"),
    "raises on junk": ("junk", "def verify(self, task, answer): return int(answer) == 5"),
    "executes answers": (
        "injections",
        "def verify(self, task, answer):\n"
        "        try: return str(eval(answer)) == task.answer\n"
        "        except Exception: return False",
    ),
    "wrong solution": ("oracle", 'def solution(self, task): return "<answer>0</answer>"'),
    "wrong bare answer": ("oracle", 'def answer_only(self, task): return "no"'),
    "global generator": (
        "redrawn",
        "def make(self, rng, cfg):\n"
        "        a = random.randrange(10**9)\n"
        '        return Draft(prompt=f"{a}", answer=str(a))',
    ),
    "builtin hash": (
        "fresh process",
        "def make(self, rng, cfg):\n"
        '        a = hash(str(rng.randrange(10**6)))\n'
        '        return Draft(prompt=f"{a}", answer=str(a))',
    ),
    "not JSON": (
        "copies",
        "def make(self, rng, cfg):\n"
        "        a = rng.randrange(10**9)\n"
        '        return Draft(prompt=f"{a}", answer=str(a), data={"set": {a}})',
    ),
}  # fmt: skip


def write(folder: Path, change: str = "") -> str:
    file = folder / "sound.py"
    file.write_text(SOUND + (f"\n    {change}\n" if change else ""))
    return f"{file}:Sound"


def test_a_sound_environment_passes_every_check(tmp_path: Path):
    findings = check(write(tmp_path), junk=60, draws=100)
    assert {found.check for found in findings} == set(CHECKS)
    assert [found for found in findings if found.level == "failure"] == []


@pytest.mark.parametrize("fault", sorted(BROKEN))
def test_each_fault_is_caught_and_its_task_shown(tmp_path: Path, fault: str, monkeypatch):
    monkeypatch.setattr(isolated, "SILENCE_S", 5.0)
    catcher, change = BROKEN[fault]
    findings = check(write(tmp_path, change), junk=60, draws=100)
    failures = {found.check: found for found in findings if found.level == "failure"}
    assert catcher in failures, failures
    task = failures[catcher].task
    assert task is None or json.loads(task)["env"] == "sound"


def test_shipped_environments_pass():
    for options in ("preset=tiny&functions=all", "preset=clean&functions=all"):
        findings = check(f"string_transform?{options}", junk=40, tasks=1, draws=60)
        assert [found for found in findings if found.level == "failure"] == [], options


def test_wrong_names_are_one_error(tmp_path: Path):
    with pytest.raises(UserError, match="did you mean 'oracle'"):
        check(write(tmp_path), only=["oracel"])
    with pytest.raises(UserError, match="no such environment file"):
        check(str(tmp_path / "none.py:X"))


def test_some_checks_can_be_chosen(tmp_path: Path):
    findings = check(write(tmp_path), only=["oracle", "junk"], junk=5)
    assert {found.check for found in findings} == {"oracle", "junk"}
