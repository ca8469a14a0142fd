"""Runs whose grader misbehaves, on the real command."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from .copy_letters import environment, rlskills, run, weights

pytestmark = pytest.mark.torture


@pytest.mark.parametrize(
    ("trusted", "body"),
    [
        (False, "os.fork()"),
        (False, "os.chdir('/')"),
        (True, "os.fork()"),
        (True, "os.chdir('/')"),
        (True, "import torch, numpy; torch.manual_seed(0); numpy.random.seed(0); random.seed(0)"),
        (True, "print('[/b]')"),
    ],
)
def test_a_run_with_such_a_grader_ends_with_the_weights_of_one_without(
    copied: Path, tmp_path: Path, trusted: bool, body: str
):
    environment(tmp_path, body, trusted)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert weights(tmp_path) == weights(copied)


@pytest.mark.parametrize("body", ["sys.exit(0)", "raise KeyboardInterrupt", "raise SystemExit(3)"])
def test_a_trusted_grader_that_ends_the_process_is_named(tmp_path: Path, body: str):
    environment(tmp_path, body, trusted=True)
    done = run(tmp_path)
    assert done.returncode == 2
    assert "the grader of Copy raised" in done.stderr + done.stdout
    assert "completion: " in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_failing_grader_is_told_of_once_for_each_kind(tmp_path: Path):
    environment(tmp_path, "raise RuntimeError('boom [/b]')", trusted=False)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    said = re.findall(r"grading failed for \d+ of \d+ completions: .*", done.stdout)
    assert len(said) == 2  # of the base, and of the arm that starts from it
    assert all("the grader of Copy raised RuntimeError: boom [/b] (" in line for line in said)
    assert "All reward functions returned None" not in done.stdout + done.stderr


def test_env_check_says_that_make_never_ends(tmp_path: Path):
    (tmp_path / "hang.py").write_text(
        "from rlskills.environments import Environment\n\n\nclass Hang(Environment):\n"
        "    def make(self, rng, cfg):\n        while True:\n            pass\n"
    )
    began = time.monotonic()
    done = rlskills("env", "check", "hang.py:Hang", cwd=tmp_path)
    assert done.returncode == 1
    assert "nothing happened for 30 s" in " ".join(done.stdout.split())
    assert time.monotonic() - began < 120


@pytest.mark.parametrize("ending", ["os._exit(7)", "sys.exit(0)", "os.kill(os.getpid(), 9)"])
def test_env_check_survives_a_grader_that_ends_the_process(tmp_path: Path, ending: str):
    environment(tmp_path, ending, trusted=True)
    done = rlskills("env", "check", "copy_env.py:Copy", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    said = " ".join(done.stdout.split())
    assert "failure" in said
    assert "ended with status" in said or "raised SystemExit" in said
