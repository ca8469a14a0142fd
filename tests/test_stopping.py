"""Signals end the work in one line, also where the exception of the handler was lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rlskills import stopping
from rlskills.cli.entry import with_clear_errors
from rlskills.console import Console
from rlskills.errors import UserError


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_one_line(number: int, status: int, capsys: pytest.CaptureFixture[str]):
    before = signal.getsignal(number)

    def work() -> None:
        stopping.doing("grpo at step 15")
        os.kill(os.getpid(), number)

    with pytest.raises(SystemExit) as end:
        with_clear_errors(work)
    assert end.value.code == status
    words = "rlskills: stopped: grpo at step 15; repeat the command to go on\n"
    assert capsys.readouterr().err == words
    assert signal.getsignal(number) is before
    stopping.check()  # what is done in this process next is not stopped


def test_a_lost_interrupt_ends_the_next_step(capsys: pytest.CaptureFixture[str]):
    class Deleted:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    steps = []

    def work() -> None:
        for step in range(5):
            if step == 2:
                Deleted()  # what is raised in here is dropped
            steps.append(step)
            stopping.check()

    with pytest.raises(SystemExit) as end:
        with_clear_errors(work)
    assert end.value.code == 130
    assert steps == [0, 1, 2]
    assert capsys.readouterr().err == "rlskills: stopped\n"  # and no "Exception ignored in"


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with_clear_errors(lambda: os.kill(os.getpid(), signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)


def test_errors_of_the_system_are_one_line(capsys: pytest.CaptureFixture[str], monkeypatch):
    def work() -> None:
        Path("/proc/x/y").read_text()

    with pytest.raises(SystemExit) as end:
        with_clear_errors(work)
    assert end.value.code == 2
    assert capsys.readouterr().err == "rlskills: /proc/x/y: no such file or directory\n"
    monkeypatch.setenv("RLSKILLS_DEBUG", "1")
    with pytest.raises(FileNotFoundError):
        with_clear_errors(work)


def test_brackets_and_colons_are_text(capsys: pytest.CaptureFixture[str]):
    Console(width=200).print("a [bold]b :smile: x[/b]")
    assert capsys.readouterr().out == "a [bold]b :smile: x[/b]\n"


def test_an_error_of_one_process_alone_is_said(capsys: pytest.CaptureFixture[str], monkeypatch):
    """Not by the first of a group only: a file may be missing on one of its machines."""
    waited: list[float] = []
    monkeypatch.setattr(stopping.time, "sleep", waited.append)
    monkeypatch.setenv("RANK", "1")

    def work() -> None:
        raise UserError("no such model: here")

    with pytest.raises(SystemExit) as end:
        with_clear_errors(work)
    assert end.value.code == 2
    assert capsys.readouterr().err == "rlskills: no such model: here\n"
    assert waited == [stopping.LAUNCHER_S]  # in which what all of them met was said by the first


def test_a_signal_to_a_group_is_said_once(capsys: pytest.CaptureFixture[str], monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(SystemExit) as end:
        with_clear_errors(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert end.value.code == 143
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_an_encoding_lacks_is_spelt_out(encoding: str):
    program = (
        "from rlskills.console import Console; Console().say('grpo 1/4: \\u2581\\u2583 \\xfc')"
    )
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True
    )
    assert done.stdout == "grpo 1/4: \u2581\u2583 \xfc\n".encode(encoding, "backslashreplace")
    assert done.stderr == b""
