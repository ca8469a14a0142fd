"""Every end is one line, nothing is lost by it, and one process at a time owns a run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

import rlskills

from .command import environment, finish, records, result, run, start, wait_for

pytestmark = pytest.mark.torture
BASE, GRPO = Path("out/seed0/base"), Path("out/seed0/grpo")


def one_line(text: str) -> str:
    """The only line on standard error, but for warnings about the machine."""
    lines = [line for line in text.splitlines() if line.startswith("rlskills: ")]
    assert len(lines) == 1, text[-3000:]
    assert "Traceback" not in text
    return lines[0]


@pytest.mark.parametrize("arm", [BASE, GRPO], ids=["base", "rl"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_in_training(arm: Path, number: int, tmp_path: Path, undisturbed: dict[str, Any]):
    process = start(tmp_path)
    wait_for(lambda: records(tmp_path / arm) > 8, process)
    process.send_signal(number)
    status, _, errors = finish(process, 30)
    assert status == 128 + number
    line = one_line(errors)
    assert line.startswith(f"rlskills: stopped: {arm.name} at step ")
    assert line.endswith("; repeat the command to go on")
    assert not list((tmp_path / "out").rglob("owner.json"))
    assert run(tmp_path)[0] == 0
    assert result(tmp_path / "out") == undisturbed


@pytest.mark.parametrize("delay", [0.3, 1.0, 2.0, 4.0])
def test_ctrl_c_while_it_starts(delay: float, tmp_path: Path):
    process = start(tmp_path)
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    status, _, errors = finish(process, 30)
    assert status in (130, -2)
    # On a busy machine the interpreter may still be starting, before any line of ours has run.
    assert "Traceback" not in errors or "with_clear_errors" not in errors


def test_ctrl_c_between_two_arms(tmp_path: Path, undisturbed: dict[str, Any]):
    process = start(tmp_path)
    wait_for(lambda: records(tmp_path / BASE) == 61, process)
    process.send_signal(signal.SIGINT)
    assert finish(process, 30)[0] == 130
    assert run(tmp_path)[0] == 0
    assert result(tmp_path / "out") == undisturbed


def test_a_signal_to_the_parent_alone_ends_arms_side_by_side(tmp_path: Path):
    words = ["--grpo.max-steps=4000", "--grpo.prompts-per-step=2", "--grpo.group-size=2",
             "--grpo.max-new-tokens=20", "--sft.max-steps=4000", "--sft.batch-size=4", "--arms",
             "grpo", "sft_worked", "--eval-tasks=2", "--samples=1", "--machine.threads=2",
             "--machine.arms-at-once=2", "--output=q"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "rlskills", "run", "quickstart", *words], cwd=tmp_path,
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    seed = tmp_path / "q/seed0"
    wait_for(lambda: min(records(seed / arm) for arm in ("grpo", "sft_worked")) > 2, process, 600)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    status, _, errors = finish(process, 30)
    assert status == 130
    assert "repeat the command" in one_line(errors)
    assert workers
    assert not psutil.wait_procs(workers, 10)[1]


def test_a_second_process_is_refused(tmp_path: Path, undisturbed: dict[str, Any]):
    first = start(tmp_path)
    wait_for(lambda: records(tmp_path / BASE) > 3, first)
    status, _, errors = run(tmp_path)
    assert status == 2
    line = one_line(errors)
    held = f" is in use by process {first.pid} on "  # by then the first may have gone on to RL
    assert f"seed0/base{held}" in line or f"seed0/grpo{held}" in line
    assert finish(first)[0] == 0
    assert result(tmp_path / "out") == undisturbed


def test_a_lock_that_a_killed_process_left(tmp_path: Path, undisturbed: dict[str, Any]):
    first = start(tmp_path)
    wait_for(lambda: records(tmp_path / BASE) > 3, first)
    first.kill()
    first.communicate()
    assert (tmp_path / BASE / "owner.json").exists()
    assert run(tmp_path)[0] == 0
    assert result(tmp_path / "out") == undisturbed


@pytest.mark.parametrize("size", ["5m", "8m", "11m", "14m"])
def test_a_full_disk(size: str, tmp_path: Path, undisturbed: dict[str, Any]):
    out = tmp_path / "out"
    out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(out)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    try:
        status, _, errors = run(tmp_path)
        assert status == 2
        assert "no space left on the disk of out" in one_line(errors)
        subprocess.run(["mount", "-o", "remount,size=100m", str(out)], check=True)
        status, _, errors = run(tmp_path)
        assert status == 0, errors
        assert result(out) == undisturbed
    finally:
        subprocess.run(["umount", str(out)], check=True)


@pytest.mark.parametrize("what", ["file", "seed", "arm", "long", "proc", "component"])
def test_an_output_that_cannot_be_a_folder(what: str, tmp_path: Path):
    output = "out"
    if what == "file":
        (tmp_path / "out").touch()
    elif what in ("seed", "arm"):
        place = tmp_path / ("out/seed0" if what == "seed" else "out/seed0/base")
        place.parent.mkdir(parents=True)
        place.touch()
    else:
        output = {"long": "a/" * 2100, "proc": "/proc/x", "component": "b" * 256}[what]
    status, _, errors = run(tmp_path, output=output)
    assert status == 2
    assert one_line(errors)
    assert not list(tmp_path.glob("a"))


def test_a_complete_run_that_one_may_only_read(tmp_path: Path):
    assert run(tmp_path)[0] == 0
    out = tmp_path / "out"
    subprocess.run(["chmod", "-R", "a-w", str(out)], check=True)
    bind = ["mount", "--bind", str(out), str(out)]
    if os.geteuid() or subprocess.run(bind, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(out)], check=True)
        status, shown, errors = run(tmp_path)
        assert status == 0, errors
        assert "complete, reused" in shown
        assert "note: cannot write" in shown
    finally:
        subprocess.run(["umount", str(out)], check=True)


def test_a_package_that_one_may_only_read(
    tmp_path: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", "/proc")
    package = str(Path(rlskills.__file__).parent)
    bind = ["mount", "--bind", package, package]
    if os.geteuid() or subprocess.run(bind, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", package], check=True)
        status, _, errors = run(tmp_path)
        assert status == 0, errors
        assert result(tmp_path / "out") == undisturbed
    finally:
        subprocess.run(["umount", package], check=True)


@pytest.mark.parametrize("name", ["a [bold]b", "x[/b]", "ä 中 %s {x} '\"#", ":smile: runs"])
def test_a_path_of_any_characters(name: str, tmp_path: Path):
    for _ in range(2):
        status, shown, errors = run(tmp_path, output=name)
        assert status == 0, errors
        assert f"written: {name}/comparison.md" in shown


def test_a_reader_that_has_gone(tmp_path: Path, undisturbed: dict[str, Any]):
    """A run goes on without its terminal; a report ends quietly."""
    read, write = os.pipe()
    process = start(tmp_path, stdout=write)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    assert finish(process)[0] == 0
    assert result(tmp_path / "out") == undisturbed
    read, write = os.pipe()
    os.close(read)
    compare = [sys.executable, "-m", "rlskills", "compare", "out"]
    done = subprocess.run(compare, cwd=tmp_path, env=environment(), stdout=write,
                          stderr=subprocess.PIPE, text=True, check=False)  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_folder_is_removed_under_a_run(tmp_path: Path, undisturbed: dict[str, Any]):
    process = start(tmp_path)
    wait_for(lambda: records(tmp_path / BASE) > 7, process)
    shutil.rmtree(tmp_path / "out")
    status, _, errors = finish(process, 60)
    assert status == 2, errors[-2000:]
    assert one_line(errors)
    assert run(tmp_path)[0] == 0
    assert result(tmp_path / "out") == undisturbed
