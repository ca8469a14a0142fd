"""Grading in processes that can be killed, for graders that may hang, crash or run model text.

Calls go out in chunks and scores come back one by one, as JSON: what a grader did to its process
must not affect this one. The clock of a call runs from the moment its grading starts, that is, from
the score before it. A worker that is late is killed and replaced; only the call under way fails.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, finalize

from ...spec import code_of
from ..scoring import Call, GraderError
from ..types import Score, StepScore
from .worker import Lost, Worker

if TYPE_CHECKING:
    from ..environment import Environment

CHUNK = 16
"""Calls sent to a worker at a time, at most."""
FUTILE = 10
"""Workers that may end on end without a score, before there is no point in starting more."""


@dataclass
class Workers:
    """As many workers as there is work for, up to `count`; they stay until this is closed."""

    name: str
    order: bytes
    seconds: float
    count: int
    alive: list[Worker] = field(default_factory=list)
    futile: int = 0
    """Workers that ended since the last score."""

    def grade(self, calls: Sequence[Call]) -> list[Score]:
        """The scores of `calls`, in order; see `Environment.scores`."""
        size = max(1, min(CHUNK, -(-len(calls) // (2 * self.count))))
        waiting = deque(range(at, min(at + size, len(calls))) for at in range(0, len(calls), size))
        scores: dict[int, Score] = {}
        try:
            while len(scores) < len(calls):
                self._hand_out(waiting, calls)
                soonest = min((worker.deadline for worker in self._busy()), default=0.0)
                wait(
                    [worker.lines.fileno() for worker in self._busy()],
                    max(0.0, soonest - time.monotonic()),
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
            places = waiting.popleft()
            try:
                worker.send(places, calls)
            except OSError:  # it ended while it had nothing to do: none of these calls was begun
                waiting.appendleft(places)
                self._remove(worker)

    def _hear(self, worker: Worker, scores: dict[int, Score], waiting: deque[range]) -> None:
        """Take in all that a worker has said; replace it if it is late or has ended."""
        try:
            worker.hear(self.seconds, lambda place, fields: self._take(place, fields, scores))
        except Lost as lost:
            self._remove(worker)
            if not worker.ready:
                raise GraderError(
                    f"a grading worker for {self.name} did not start: {lost.why}"
                ) from None
            if worker.places and lost.status:
                why = f"the grader {lost.why}"
                scores[worker.places.popleft()] = Score.failure(lost.status, why)
            if worker.places:
                waiting.appendleft(range(worker.places[0], worker.places[-1] + 1))

    def _take(self, place: int, fields: list[Any], scores: dict[int, Score]) -> None:
        scores[place] = _score(*fields)
        self.futile = 0

    def _remove(self, worker: Worker) -> None:
        self.alive.remove(worker)
        worker.close()
        self.futile += not (worker.places and worker.begun)
        if self.futile > FUTILE:
            raise GraderError(f"grading workers for {self.name} end before they are given anything")


def _score(*values: Any) -> Score:
    """A score from what `serving` made of it; a `TypeError` where that is anything else."""
    *about, steps = values
    return Score(
        *about,
        steps=tuple(
            StepScore(int(start), int(end), correct is True, value if value is None else int(value))
            for start, end, correct, value in steps
        ),
    )


_known: WeakKeyDictionary[Environment, Workers] = WeakKeyDictionary()


def workers_of(env: Environment) -> Workers:
    """The workers of an environment, which end with it or with this process."""
    if env not in _known:
        count = env.grading_workers or min(4, os.cpu_count() or 1)
        order = json.dumps({"spec": env.spec.to_json(), "code": code_of(env.spec)}).encode()
        _known[env] = workers = Workers(env.name, order, env.grading_seconds, count)
        finalize(env, _close, workers, os.getpid())
    return _known[env]


def _close(workers: Workers, owner: int) -> None:
    if os.getpid() == owner:  # a fork of the owner must leave them alone
        workers.close()
