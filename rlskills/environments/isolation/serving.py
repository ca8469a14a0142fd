"""The child's side of grading in processes: load one environment, grade what comes in."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ...errors import UserError
from ...spec import Spec, code_of
from ..environment import Environment
from ..registry import load
from ..scoring import Call, GraderError, grade
from ..surroundings import Surroundings
from ..types import Score
from .worker import CUT_OFF


def serve() -> None:
    """What a worker runs: load an environment, then grade chunks until its input ends.

    After each call what the grader changed around it is put back; a worker whose memory ran out
    says so and is replaced.
    """
    owner = _Owner()
    order = owner.order()
    try:
        env = load(spec := Spec.from_json(order["spec"]))
        if code_of(spec) != order["code"]:
            raise UserError(f"{spec.name} has changed since this run began; repeat the command")
    except BaseException as error:
        owner.say("unready", f"{type(error).__name__}: {error}")
        return
    _limit_memory(env.grading_memory_mb)
    before = Surroundings()
    owner.say("ready")
    for calls in owner.chunks():
        owner.say("begun")
        for number, call in calls:
            fields, full = _graded(env, call)
            owner.say("score", number, *fields)
            before.restore()
            signal.setitimer(signal.ITIMER_REAL, 0)  # an alarm would end the worker later
            if full:
                owner.say("full")
                return


class _Owner:
    """The way to the process that this one grades for, closed to all copies of this one."""

    def __init__(self) -> None:
        self.inbox, self.out = Connection(os.dup(0), writable=False), os.dup(1)
        self.own = self._identity()
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)  # graders may print
        os.register_at_fork(after_in_child=self._cut_off)

    def order(self) -> Any:
        """What the owner sends first."""
        return json.loads(self.inbox.recv_bytes())

    def chunks(self) -> Iterator[list[tuple[int, Call]]]:
        """Numbered calls, until the owner has no more."""
        with suppress(EOFError):
            while True:
                self._check()
                # From the owner, who pickled it; what graders write goes out as JSON.
                yield pickle.loads(self.inbox.recv_bytes())

    def say(self, *message: Any) -> None:
        """Tell the owner; a process that is not the worker any more ends instead."""
        self._check()
        rest = json.dumps(message).encode() + b"\n"
        while rest:
            rest = rest[os.write(self.out, rest) :]

    def _check(self) -> None:
        with suppress(OSError):
            if self._identity() == self.own:
                return
        os._exit(CUT_OFF)

    def _identity(self) -> list[int]:
        """This process, and the pipes that it speaks through."""
        ends = [os.fstat(self.inbox.fileno()), os.fstat(self.out)]
        return [os.getpid(), *(number for end in ends for number in (end.st_dev, end.st_ino))]

    def _cut_off(self) -> None:
        """In a copy of the process: nothing that it writes to the pipes arrives."""
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, self.inbox.fileno(), inheritable=False)
            os.dup2(nowhere, self.out, inheritable=False)


def _graded(env: Environment, call: Call) -> tuple[list[Any], bool]:
    """The fields of a `Score` as JSON, and whether memory ran out."""
    full = False
    try:
        score = grade(env, *call)
    except GraderError as error:
        full = isinstance(error.__cause__, MemoryError)
        score = Score.failure("grader_error", f"{error}"[:4000])
    except MemoryError:  # there was none left to say it with
        full, score = True, Score.failure("grader_error", "the grader raised MemoryError")
    about = [score.correct, score.reward, score.parts, score.status, score.parsed, score.note]
    steps = [[step.start, step.end, step.correct, step.value] for step in score.steps]
    return [*about, steps], full


def _limit_memory(megabytes: int) -> None:
    """Let this process take so much more than it has; only Linux counts what is needed for it."""
    if not megabytes or sys.platform != "linux":
        return
    import resource

    status = Path("/proc/self/status").read_text()
    now = int(status.partition("VmData:")[2].split()[0]) * 1024
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (now + megabytes * 2**20, hard))
