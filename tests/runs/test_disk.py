"""What goes wrong with a folder, in one line; and who works on a run."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from safetensors import SafetensorError

from rlskills.errors import UserError
from rlskills.runs import disk
from rlskills.runs.disk import amount, disk_errors, free, usable
from rlskills.runs.owner import NAME, owned


def test_errors_about_a_folder_are_one_line(tmp_path: Path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file/below", tmp_path / ("b" * 256)):
        with pytest.raises(UserError, match=r"^[^\n]*(exists|not a directory|too long)$"):
            usable(place)
    usable(tmp_path / "a/b")
    assert list((tmp_path / "a/b").iterdir()) == []
    with pytest.raises(UserError, match="no space left on the disk of"), disk_errors(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(ValueError, match="ours"), disk_errors(tmp_path):
        raise ValueError("ours")


def test_writers_that_do_not_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(disk, "free", lambda folder: 100)
    with pytest.raises(UserError, match="100 B free"), disk_errors(tmp_path):
        raise RuntimeError("unexpected pos 2300480 vs 2300368")
    monkeypatch.setenv("RLSKILLS_DEBUG", "1")
    with pytest.raises(RuntimeError), disk_errors(tmp_path):
        raise RuntimeError("unexpected pos")


@pytest.mark.parametrize(("number", "line"), [(28, "no space left on the disk"), (5, "input/ou")])
def test_writers_in_rust_say_it_in_their_text(number: int, line: str, tmp_path: Path):
    with pytest.raises(UserError, match=line), disk_errors(tmp_path):
        raise SafetensorError(f"Error while serializing: I/O error: ... (os error {number})")


def test_a_thread_of_a_library_says_it_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture):
    """TensorBoard writes events in one, which would end with a traceback."""
    gone = tmp_path / "gone/events"
    before = threading.excepthook
    with disk_errors(tmp_path):
        thread = threading.Thread(target=gone.write_text, args=("x",))
        thread.start()
        thread.join()
    assert capsys.readouterr().err == f"note: {gone}: no such file or directory\n"
    assert threading.excepthook is before


def test_amounts(tmp_path: Path):
    assert [amount(n) for n in (0, 999, 1000, 2.5e9)] == ["0 B", "999 B", "1 kB", "2.5 GB"]
    assert free(tmp_path / "not/there") == pytest.approx(free(tmp_path), rel=0.1)


def hold(folder: Path, pipe: Any) -> None:
    with owned(folder):
        pipe.send("held")
        pipe.recv()


def test_a_run_has_one_owner_and_a_dead_one_holds_nothing(tmp_path: Path):
    here, there = multiprocessing.Pipe()
    other = multiprocessing.get_context("spawn").Process(target=hold, args=(tmp_path, there))
    other.start()
    assert here.recv() == "held"
    assert json.loads((tmp_path / NAME).read_text())["process"] == other.pid
    with pytest.raises(UserError, match=f"in use by process {other.pid} on .* since 20"):
        owned(tmp_path).__enter__()
    other.kill()
    other.join()
    assert (tmp_path / NAME).exists()
    with owned(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())["process"] == os.getpid()
        (tmp_path / NAME).write_text("garbage")
        with pytest.raises(UserError, match="in use by another process"):
            owned(tmp_path).__enter__()
    assert not list(tmp_path.iterdir())
