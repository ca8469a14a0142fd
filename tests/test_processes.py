"""A process of a group that does not answer is one line of another one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from rlskills.processes import lost_process

PROGRAM = """
import datetime, os, time
import torch
from rlskills.cli.entry import with_clear_errors

def work():
    group = torch.distributed.init_process_group("gloo", timeout=datetime.timedelta(seconds=3))
    torch.distributed.all_reduce(torch.ones(1))
    if os.environ["RANK"] == "1":
        time.sleep(60)
    torch.distributed.all_reduce(torch.ones(1))

with_clear_errors(work)
"""


def test_a_process_that_hangs_is_one_line(tmp_path: Path):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    command += ["--rdzv_backend", "c10d", "--rdzv_endpoint", "127.0.0.1:0"]
    done = subprocess.run(
        [*command, str(tmp_path / "program.py")], env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("rlskills:")]
    assert "another process of the group hangs or is gone" in line
    assert "repeat the command to go on" in line
    assert "exitcode  : 2" in done.stderr
    assert "all_reduce(torch" not in done.stderr  # no traceback of ours


def test_other_errors_are_not_taken_for_it(monkeypatch):
    import torch

    monkeypatch.setenv("WORLD_SIZE", "2")
    assert lost_process(RuntimeError("shape mismatch")) is None
    assert lost_process(torch.distributed.DistNetworkError("no route")) is not None
    assert "DistError" in str(lost_process(torch.distributed.DistError()))
    monkeypatch.delenv("WORLD_SIZE")
    assert lost_process(RuntimeError("[gloo/transport/x.cc:1] Timed out")) is None
