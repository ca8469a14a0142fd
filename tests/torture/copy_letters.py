"""Runs of an environment given by file, whose grader does something beside grading."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PATHS = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
COPY = '''
import os, random, sys
from rlskills.environments import Draft, Environment


class Copy(Environment):
    """Copy a letter; half of the graders' calls misbehave."""

    trusted_grader = TRUSTED
    grading_seconds = 3.0
    grading_workers = 2
    test_percent = 50

    def make(self, rng, cfg):
        letter = rng.choice("ab")
        return Draft(f"{rng.randrange(10**6)} {letter}=", letter)

    def parse(self, text):
        return text[:4] or "?"

    def answer_only(self, task):
        return task.answer

    def verify(self, task, answer):
        if task.index % 2:
            BODY
        return answer == task.answer
'''


def rlskills(*words: str, cwd: Path, seconds: float = 900) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rlskills", *words],
        cwd=cwd, env=PATHS, capture_output=True, text=True, timeout=seconds,
    )  # fmt: skip


def environment(folder: Path, body: str, trusted: bool, name: str = "copy_env.py") -> None:
    text = COPY.replace("TRUSTED", str(trusted)).replace("BODY", body)
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def run(
    folder: Path, *more: str, env: str = "copy_env.py", output: str = "out"
) -> subprocess.CompletedProcess[str]:
    return rlskills(
        "run", "grpo", "--env", f"{env}:Copy", "--cold-start.max-steps", "20",
        "--cold-start.batch-size", "16", "--rl.max-steps", "3", "--rl.prompts-per-step", "4",
        "--rl.group-size", "4", "--rl.max-new-tokens", "6", "--eval-tasks", "6", "--samples", "1",
        "--machine.threads", "1", "--machine.attention", "eager",
        "--machine.precision", "highest", "--output", output, *more, cwd=folder,
    )  # fmt: skip


def weights(folder: Path) -> bytes:
    return (folder / "out/seed0/grpo/model/model.safetensors").read_bytes()
