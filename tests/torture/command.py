"""A run of some seconds with gradients at most steps, and what its folder says at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REV = """
from dataclasses import dataclass
from rlskills.environments import Draft, Environment, register

@register("rev")
class Rev(Environment):
    @dataclass(frozen=True)
    class Config(Environment.Config):
        length: int = 2
    levels = tuple({"length": n} for n in range(1, 6))
    test_percent = 50
    def make(self, rng, cfg):
        word = "".join(rng.choices("abcdefghijklmnop", k=cfg.length))
        return Draft(prompt=f"r {word}:", answer=word[::-1], skills=("r",))
"""
FLAGS = """
--env rev.py:Rev --levels 1 2 --curriculum tscl_window --cold-start.max-steps 60
--cold-start.batch-size 48 --cold-start.warmup-steps 5 --cold-start.eval-every 10
--cold-start.save-every 5 --rl.max-steps 20 --rl.prompts-per-step 8 --rl.group-size 6
--rl.max-new-tokens 22 --rl.eval-every 7 --rl.save-every 3 --eval-tasks 8 --samples 2
--machine.threads 1 --machine.attention eager --machine.precision highest
"""
WORDS = ["grpo", *FLAGS.split()]
COMMAND = [sys.executable, "-m", "rlskills", "run"]


def environment(**more: str) -> dict[str, str]:
    """Of the command: no network, one thread."""
    return os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | more


def start(folder: Path, *more: str, output: str = "out", **options: Any) -> subprocess.Popen[str]:
    """The command in `folder`, in a session of its own and with the default signal handlers."""
    (folder / "rev.py").write_text(REV)
    return subprocess.Popen(
        [*COMMAND, *WORDS, "--output", output, *more], cwd=folder, env=environment(),
        stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=hearing, **options,
    )  # fmt: skip


def hearing() -> None:
    """Called in a child: a job in the background would have it ignore Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


def finish(process: subprocess.Popen[str], seconds: float = 300) -> tuple[int, str, str]:
    """Exit status, output and errors."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def run(folder: Path, *more: str, output: str = "out") -> tuple[int, str, str]:
    """The whole command."""
    return finish(start(folder, *more, output=output))


def wait_for(holds: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 600):
    """Until something holds; an `AssertionError` if the process ends before."""
    until = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None, process.communicate()[1][-3000:]
        assert time.monotonic() < until
        time.sleep(0.02)


def records(run_folder: Path) -> int:
    """Lines of its metrics."""
    file = run_folder / "metrics.jsonl"
    return len(file.read_bytes().splitlines()) if file.exists() else 0


def result(folder: Path) -> dict[str, Any]:
    """Everything that two equal runs have in common: files byte for byte, records but for time."""
    found: dict[str, Any] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(file.relative_to(folder))
        if "tfevents" in name or name.endswith(".png") or name.endswith(".gz"):
            found[Path(name).parent.as_posix() + "/events"] = True
        elif file.name == "metrics.jsonl":
            rows = [json.loads(line) for line in file.read_text().splitlines()]
            found[name] = [_timeless(row) for row in rows]
        elif file.name == "run.json":
            found[name] = _timeless(json.loads(file.read_text()))
        elif file.name != "comparison.md":
            found[name] = file.read_bytes()
    return found


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        dropped = ("seconds", "time", "git", "platform", "sealed")  # seals are of times too
        return {key: _timeless(item) for key, item in value.items() if key not in dropped}
    return [_timeless(item) for item in value] if isinstance(value, list) else value
