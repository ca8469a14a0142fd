"""The child's side of grading in processes: load one environment, grade what comes in."""

from __future__ import annotations

import json
import os
import pickle
import signal
from multiprocessing.connection import Connection
from typing import Any

from ...spec import Spec
from ..environment import Environment
from ..registry import load
from ..scoring import Call, GraderError, grade
from ..types import Score


def serve() -> None:
    """What a worker runs: load an environment, then grade chunks until its input ends."""
    inbox, outbox = Connection(os.dup(0), writable=False), Connection(os.dup(1), readable=False)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)  # graders may print

    def say(*message: Any) -> None:
        outbox.send_bytes(json.dumps(message).encode())

    try:
        env = load(Spec.from_json(json.loads(inbox.recv_bytes())))
    except Exception as error:
        say("unready", f"{type(error).__name__}: {error}")
        return
    say("ready")
    # One whose owner was killed while it computes would never end by itself.
    limit = 100 + 100 * env.grading_seconds
    while True:
        try:
            calls = pickle.loads(inbox.recv_bytes())
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_VIRTUAL, limit)
        say("begun")
        for call in calls:
            say("score", *_graded(env, call))


def _graded(env: Environment, call: Call) -> list[Any]:
    """The fields of a `Score` as JSON."""
    try:
        score = grade(env, *call)
    except GraderError as error:
        score = Score.failure("grader_error", f"{error}"[:4000])
    about = [score.correct, score.reward, score.parts, score.status, score.parsed, score.note]
    return [*about, [[step.start, step.end, step.correct] for step in score.steps]]
