"""The console that everything is printed on, and progress with rate and time left."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_EVERY = 15.0
"""Seconds between lines where there is no terminal."""


class Console(rich.console.Console):
    """Rich's console, for text that may be anyone's: brackets and colons in it mean nothing.

    Where the reader of a pipe has gone, `BrokenPipeError` is raised; a console that
    `outlives_reader` falls silent, so that a run of hours does not end with its terminal.
    """

    def __init__(self, outlives_reader: bool = False, **options: Any) -> None:
        for stream in (sys.stdout, sys.stderr):
            _spell_out(stream)
        super().__init__(markup=False, emoji=False, **options)
        self.outlives_reader = outlives_reader

    def say(self, text: str) -> None:
        """One line of text as it is: neither coloured nor broken."""
        self.print(text, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """A line that a reader should know of."""
        self.say(f"note: {text}")

    def on_broken_pipe(self) -> None:
        """In place of an exit with status 1."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        if not self.outlives_reader:
            raise BrokenPipeError


def _spell_out(stream: Any) -> None:
    """Have a stream write what its encoding lacks (a curve's blocks, a path's umlaut in ASCII) as
    escapes, where it would raise an error."""
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")


@contextmanager
def progress(
    title: str, total: int, done: int, console: Console
) -> Iterator[Callable[[int, str], None]]:
    """A function of (step, remark) that shows how far `title` has come: a bar in a terminal, a line
    now and then in a log file."""
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[remark]}"),
        )
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(title, total=total, completed=done, rate="", remark="")
            rate = _Rate(done)

            def advance(step: int, remark: str) -> None:
                shown = f"{rate(step):.1f}/s"
                bar.update(task, completed=step, remark=remark, rate=shown)

            yield advance
    else:
        yield _lines(title, total, done, console)


class _Rate:
    """Steps per second since this process began."""

    def __init__(self, done: int) -> None:
        self.done = done
        self.start = time.perf_counter()

    def __call__(self, step: int) -> float:
        return (step - self.done) / max(1e-9, time.perf_counter() - self.start)


def _lines(title: str, total: int, done: int, console: Console) -> Callable[[int, str], None]:
    rate = _Rate(done)
    last = time.perf_counter()

    def advance(step: int, remark: str) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last < LINE_EVERY and step < total:
            return
        last = now
        speed = rate(step)
        left = (total - step) / speed if speed > 0 else 0.0
        shown = f"{title}: {step}/{total}, {speed:.1f}/s, {left:.0f} s left"
        console.print(f"{shown}, {remark}" if remark else shown, highlight=False)

    return advance
