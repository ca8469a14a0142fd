"""Ranks that hang or die under a launcher."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from .command import COMMAND, REV, WORDS, environment, hearing, records, result, wait_for

pytestmark = pytest.mark.torture

LAUNCHER = ["-m", "torch.distributed.run", "--rdzv_backend", "c10d", "--rdzv_endpoint",
            "127.0.0.1:0", "--nproc_per_node", "2"]  # fmt: skip


def launched(folder: Path, *launcher: str, more: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    (folder / "rev.py").write_text(REV)
    words = [sys.executable, *LAUNCHER, *launcher, *COMMAND[1:], *WORDS, "--output", "out", *more]
    return subprocess.Popen(
        words, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, preexec_fn=hearing,
    )  # fmt: skip


def rank(process: subprocess.Popen[str], number: int) -> psutil.Process:
    for child in psutil.Process(process.pid).children(recursive=True):
        if child.environ().get("LOCAL_RANK") == str(number):
            return child
    raise AssertionError(f"no rank {number}")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    process = launched(folder)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors[-3000:]
    return folder


def test_a_rank_that_hangs_ends_the_run_and_a_repeat_goes_on(whole: Path, tmp_path: Path):
    process = launched(tmp_path, more=("--machine.process-timeout", "1"))
    wait_for(lambda: records(tmp_path / "out/seed0/grpo") > 3, process)
    rank(process, 1).send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    _, errors = process.communicate(timeout=300)
    assert process.returncode != 0
    assert time.monotonic() - begin < 200
    (line,) = [line for line in errors.splitlines() if line.startswith("rlskills:")]
    assert "another process of the group hangs or is gone" in line
    repeated = launched(tmp_path)
    _, errors = repeated.communicate(timeout=600)
    assert repeated.returncode == 0, errors[-3000:]
    assert result(tmp_path / "out") == result(whole / "out")


def test_a_launcher_that_starts_ranks_again_ends_as_an_undisturbed_one(whole: Path, tmp_path: Path):
    process = launched(tmp_path, "--max-restarts", "1")
    wait_for(lambda: records(tmp_path / "out/seed0/grpo") > 3, process)
    rank(process, 1).kill()
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors[-3000:]
    assert result(tmp_path / "out") == result(whole / "out")
