"""Checks in a process of their own: an environment that hangs or ends it is a finding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rlskills.cli.env.main import env_cli
from rlskills.environments.conformance import CHECKS, apart, check
from rlskills.environments.conformance.apart import check_apart
from rlskills.errors import UserError

BASE = '''
import os, sys, time
from rlskills.environments import Draft, Environment

class Made(Environment):
    """Add two numbers."""
    def make(self, rng, cfg):
        a, b = rng.randrange(10**6), rng.randrange(10**6)
        return Draft(f"{a}+{b}", str(a + b))
'''
HARD: dict[str, Any] = {"junk": 20, "tasks": 2, "draws": 50}


def made(folder: Path, body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body.strip("\n").split("\n"))
    (folder / "made.py").write_text(BASE + lines)
    return f"{folder / 'made.py'}:Made"


def test_a_good_environment_has_the_findings_that_it_has_in_this_process(tmp_path: Path):
    spec = made(tmp_path, "print('noise')")
    found = check_apart(spec, **HARD)
    assert {one.check for one in found} == set(CHECKS)
    assert [(one.check, one.level) for one in found if one.check != "speed"] == [
        (one.check, one.level) for one in check(spec, **HARD) if one.check != "speed"
    ]


def test_a_make_that_never_ends_is_a_failure(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(apart, "SILENCE_S", 3.0)
    body = "grading_seconds = 0.1\ndef make(self, rng, cfg):\n    while True: pass"
    with pytest.raises(SystemExit) as end:
        env_cli(["check", made(tmp_path, body)])
    assert end.value.code == 1
    said = capsys.readouterr().out
    assert "nothing happened for 3 s; it was stopped" in " ".join(said.split())
    assert "1 failures" in said


def test_a_grader_that_ends_the_process_is_a_failure_of_the_checks_that_met_it(tmp_path: Path):
    found = check_apart(made(tmp_path, "def verify(self, task, answer):\n    os._exit(7)"), **HARD)
    levels = {one.check: one for one in found}
    assert levels["draws"].level == "ok"
    assert levels["oracle"].message == "the process ended with status 7"
    assert [one.level for one in found].count("failure") >= 2


def test_one_that_ends_the_process_when_it_is_loaded_is_a_failure(tmp_path: Path):
    (found,) = check_apart(made(tmp_path, "os._exit(5)"), **HARD)
    assert (found.check, found.level) == ("loading", "failure")
    assert "status 5" in found.message


def test_one_that_cannot_be_loaded_is_one_error(tmp_path: Path):
    with pytest.raises(UserError, match=r"no such environment file: .*nowhere\.py"):
        check_apart(f"{tmp_path}/nowhere.py:Made", **HARD)
    with pytest.raises(UserError, match="ZeroDivisionError"):
        check_apart(made(tmp_path, "1 / 0"), **HARD)
