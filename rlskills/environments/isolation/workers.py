"""Grading in processes that can be killed, for graders that may hang, crash or run model text.

Calls go out in chunks and scores come back one by one, as JSON: what a grader did to its process
must not affect this one. The clock of a call runs from the moment its grading starts, that is, from
the score before it. A worker that is late is killed and replaced; only the call under way fails.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, finalize

from ..scoring import Call, GraderError
from ..types import Score, StepScore
from .processes import end, interpreter

if TYPE_CHECKING:
    from ..environment import Environment

CHUNK = 16
"""Calls sent to a worker at a time, at most."""
START_S = 120.0
"""Seconds in which a worker must have loaded its environment."""


class Worker:
    """A process that loads one environment and grades what it is sent."""

    def __init__(self, order: bytes) -> None:
        self.child = interpreter(
            "from rlskills.environments.isolation.serving import serve; serve()", subprocess.DEVNULL
        )
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.inbox = Connection(os.dup(self.child.stdout.fileno()), writable=False)
        self._outbox = Connection(os.dup(self.child.stdin.fileno()), readable=False)
        self.ready = False
        self.deadline = time.monotonic() + START_S
        self.places: deque[int] = deque()
        """Calls that it has yet to score, the one under way first."""
        self._outbox.send_bytes(order)

    def send(self, places: Sequence[int], calls: Sequence[Call]) -> None:
        """Give it a chunk; the clock starts when it says that it has begun."""
        self.places.extend(places)
        self.deadline = time.monotonic() + START_S
        self._outbox.send_bytes(pickle.dumps([calls[place] for place in places]))

    def close(self) -> None:
        """Kill it, with all that it started."""
        end(self.child)
        self.inbox.close()
        self._outbox.close()


@dataclass
class Workers:
    """As many workers as there is work for, up to `count`; they stay until this is closed."""

    name: str
    order: bytes
    seconds: float
    count: int
    alive: list[Worker] = field(default_factory=list)

    def grade(self, calls: Sequence[Call]) -> list[Score]:
        """The scores of `calls`, in order; see `Environment.scores`."""
        size = max(1, min(CHUNK, -(-len(calls) // (2 * self.count))))
        waiting = deque(range(at, min(at + size, len(calls))) for at in range(0, len(calls), size))
        scores: dict[int, Score] = {}
        try:
            while len(scores) < len(calls):
                self._hand_out(waiting, calls)
                soonest = min(worker.deadline for worker in self._busy())
                wait(
                    [worker.inbox for worker in self._busy()], max(0.0, soonest - time.monotonic())
                )
                for worker in self._busy():
                    self._hear(worker, scores, waiting)
        except BaseException:  # an interrupt, say: what workers would still send is not awaited
            self.close()
            raise
        return [scores[place] for place in range(len(calls))]

    def close(self) -> None:
        """Kill all workers; the next call of `grade` starts new ones."""
        while self.alive:
            self.alive.pop().close()

    def _busy(self) -> list[Worker]:
        return [worker for worker in self.alive if worker.places or not worker.ready]

    def _hand_out(self, waiting: deque[range], calls: Sequence[Call]) -> None:
        idle = [worker for worker in self.alive if worker.ready and not worker.places]
        starting = sum(not worker.ready for worker in self.alive)
        for _ in range(min(self.count - len(self.alive), len(waiting) - len(idle) - starting)):
            self.alive.append(Worker(self.order))
        for worker in idle[: len(waiting)]:
            worker.send(waiting.popleft(), calls)

    def _hear(self, worker: Worker, scores: dict[int, Score], waiting: deque[range]) -> None:
        """Take in all that a worker has said; replace it if it is late or has ended."""
        try:
            while worker.inbox.poll():
                self._take(worker, json.loads(worker.inbox.recv_bytes()), scores)
            if (worker.places or not worker.ready) and time.monotonic() > worker.deadline:
                why = f"took over {self.seconds:g} s" if worker.ready else "said nothing"
                self._lose(worker, "grader_timeout", why, scores, waiting)
        except (EOFError, OSError, ValueError, TypeError, IndexError):
            # The last three: it does not speak as `serve` does any more.
            with suppress(subprocess.TimeoutExpired):
                worker.child.wait(1)
            why = f"ended its process (status {worker.child.returncode})"
            self._lose(worker, "grader_error", why, scores, waiting)

    def _take(self, worker: Worker, message: list[Any], scores: dict[int, Score]) -> None:
        kind, *rest = message
        if kind == "unready":
            raise GraderError(f"a grading worker cannot load {self.name}: {rest[0]}")
        if kind == "score":
            scores[worker.places.popleft()] = _score(*rest)
        worker.ready = True
        worker.deadline = time.monotonic() + self.seconds

    def _lose(
        self,
        worker: Worker,
        status: str,
        why: str,
        scores: dict[int, Score],
        waiting: deque[range],
    ) -> None:
        self.alive.remove(worker)
        worker.close()
        if not worker.ready:
            raise GraderError(f"a grading worker for {self.name} did not start: it {why}")
        if worker.places:
            scores[worker.places.popleft()] = Score.failure(status, f"the grader {why}")
        if worker.places:
            waiting.appendleft(range(worker.places[0], worker.places[-1] + 1))


def _score(*values: Any) -> Score:
    """A score from what `serving` made of it; a `TypeError` where that is anything else."""
    *about, steps = values
    return Score(
        *about,
        steps=tuple(
            StepScore(int(start), int(end), correct is True) for start, end, correct in steps
        ),
    )


_known: WeakKeyDictionary[Environment, Workers] = WeakKeyDictionary()


def workers_of(env: Environment) -> Workers:
    """The workers of an environment, which end with it or with this process."""
    if env not in _known:
        count = env.grading_workers or min(4, os.cpu_count() or 1)
        order = json.dumps(env.spec.to_json()).encode()
        _known[env] = workers = Workers(env.name, order, env.grading_seconds, count)
        finalize(env, _close, workers, os.getpid())
    return _known[env]


def _close(workers: Workers, owner: int) -> None:
    if os.getpid() == owner:  # a fork of the owner must leave them alone
        workers.close()
