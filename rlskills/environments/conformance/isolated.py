"""Grading hostile text in a process of its own, which can be killed.

Python cannot interrupt `9**9**9` once something has evaluated it, and a grader that runs model text
may do anything. So the parent only listens: the child says what it is about to try, and one that
falls silent or dies is known by the last thing it said.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import IO, Any

from ...spec import Spec
from ..conformance.hostile import CHOSEN, injections, junk
from ..driver import play
from ..environment import Environment, GraderError
from ..episode import Caps
from ..isolation.processes import end, interpreter
from ..registry import load
from ..seeding import digest
from ..types import Score, Task

START_S = 60.0
"""Seconds in which a child must have started, loaded its environment and said a first word."""
SILENCE_S = 20.0
"""Seconds without a word after which it counts as hung later on."""
SLOW_S = 0.25
"""Processor seconds that grading one string may take."""

PATIENCE = "patience"
"""The kind of message in which a child says how many seconds it may be silent from now on."""

Address = tuple[str, int, int]
Message = list[Any]


class ChildDied(Exception):
    """The child was killed for silence, or ended before its job was done."""


def run(job: str, spec: Spec, *, hash_seed: int = 0, **payload: Any) -> Iterator[Message]:
    """Yield the messages of a job of `JOBS` run on `load(spec)` in a fresh interpreter.

    `payload` (JSON values) goes to the job. `ChildDied` is raised behind the last message when the
    child hangs for `SILENCE_S` seconds or does not end well.
    """
    order = {"job": job, "spec": spec.to_json(), "payload": payload}
    code = "from rlskills.environments.conformance.isolated import child; child()"
    yield from listen(code, order, max(START_S, SILENCE_S), SILENCE_S, hash_seed)


def listen(
    code: str, order: Mapping[str, Any], first_s: float, silence_s: float, hash_seed: int = 0
) -> Iterator[Message]:
    """The messages of a fresh interpreter that runs `code` and is given `order` as JSON.

    `ChildDied` is raised behind the last one when the child does not end well, or says nothing for
    `first_s` seconds in the beginning and `silence_s` later on.
    """
    with tempfile.TemporaryFile() as errors:
        child = interpreter(code, errors, hash_seed)
        try:
            assert child.stdin is not None
            child.stdin.write(json.dumps(order).encode())
            child.stdin.close()
            yield from _listen(child, first_s, silence_s)
            if child.wait() != 0:
                errors.seek(0)
                last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
                raise ChildDied(f"the process ended with status {child.returncode} {last}".strip())
        finally:
            end(child)


def _listen(child: subprocess.Popen[bytes], first_s: float, silence_s: float) -> Iterator[Message]:
    heard: queue.Queue[bytes] = queue.Queue()

    def read(pipe: IO[bytes]) -> None:
        with suppress(ValueError):  # a listener that has heard enough closes the pipe
            for line in pipe:
                heard.put(line)
        heard.put(b"")

    assert child.stdout is not None
    threading.Thread(target=read, args=(child.stdout,), daemon=True).start()
    patience = first_s
    while True:
        try:
            line = heard.get(timeout=patience)
        except queue.Empty:
            raise ChildDied(f"nothing happened for {patience:g} s; it was stopped") from None
        if not line:
            return
        message = json.loads(line)
        if message[0] == PATIENCE:
            silence_s = max(silence_s, message[1])
        patience = silence_s
        yield message


def child() -> None:
    """What the fresh interpreter runs."""
    order, say = taken()
    for message in JOBS[order["job"]](load(Spec.from_json(order["spec"])), **order["payload"]):
        say(message)


def taken() -> tuple[dict[str, Any], Callable[[Message], None]]:
    """In the child: its order, and how it sends a message. Nothing else reaches the parent."""
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # graders may print

    def say(message: Message) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    return json.load(sys.stdin), say


def _fingerprints(env: Environment, addresses: list[Address]) -> Iterator[Message]:
    """A digest of the whole task at each address, as `[digest]`."""
    for address in addresses:
        yield [digest(env.task(*address).to_json())]


def _fuzz(
    env: Environment, addresses: list[Address], kind: str, count: int, marker: str
) -> Iterator[Message]:
    """Grade hostile strings as answers to the tasks at these addresses.

    Yields `["try", number of the task, text]` before each string and `["bad", why]` after one that
    went wrong. `kind` is `junk` or `injections`.
    """
    tasks: list[Task] = []
    for address in addresses:
        tasks.append(env.task(*address))
        yield ["drawn"]
    texts = injections(marker) if kind == "injections" else junk(count)
    for number, task in enumerate(tasks):
        # Random strings are dealt out to the tasks, what is bad for a reason is tried on each.
        own = [*texts[:CHOSEN], *texts[CHOSEN + number :: len(tasks)]]
        for text in own if kind == "injections" else [*own, task.text]:
            if task.answer is not None and same(text, task.answer):
                continue
            yield ["try", number, shown(text)]
            for completion in dressed(env, task, text):
                if why := _fault(env, task, completion, marker):
                    yield ["bad", why]
                    break


def dressed(env: Environment, task: Task, text: str) -> list[str]:
    """`text` bare, as the default parser reads it, and in this environment's own form."""
    forms = [text, f"<answer>{text}</answer>"]
    with suppress(Exception):  # a form for numbers, say, cannot hold every text
        forms.append(env.answer_only(replace(task, answer=text)))
    if env.multi_turn:
        forms.append(env.replies(task)[0] + text)
    return list(dict.fromkeys(forms))


def _fault(env: Environment, task: Task, completion: str, marker: str) -> str:
    """What goes wrong in grading a wrong answer; empty when nothing does."""
    seconds = float("inf")
    for _ in range(3):  # the fastest of three, for a busy machine pauses now and then
        start = time.process_time()
        try:
            why = "scores correct" if _attempt(env, task, completion).correct else ""
        except (Exception, SystemExit) as error:
            cause = error.__cause__ if isinstance(error, GraderError) else error
            why = f"raised {type(cause).__name__}: {cause}"[:300]
        if _remove(marker):
            return "was executed"
        if why:
            return why
        seconds = min(seconds, time.process_time() - start)
        if seconds < SLOW_S:
            return ""
    return f"took {seconds:.2f} s"


def _attempt(env: Environment, task: Task, completion: str) -> Score:
    """The score of a completion; in several turns it is every reply, whatever is said to it."""
    if not env.multi_turn:
        return env.score(task, completion)
    episode = env.start(task)
    # Uncapped in length: no cap may stand between a hostile text and the grader under test.
    caps = Caps(episode.caps.turns, sys.maxsize)
    return play(episode, lambda _: completion, caps).score()


def _remove(marker: str) -> bool:
    """Whether the marker was there; it is gone afterwards."""
    if os.path.isdir(marker):
        shutil.rmtree(marker, ignore_errors=True)
    elif os.path.lexists(marker):
        os.remove(marker)
    else:
        return False
    return True


def same(one: str, other: str) -> bool:
    """Equal but for case and white space: too close to hold against a grader."""
    return "".join(one.split()).casefold() == "".join(other.split()).casefold()


def shown(text: str) -> str:
    """A short printable form of any text."""
    return ascii(text) if len(text) <= 80 else f"{text[:60]!a}... ({len(text)} characters)"


JOBS: dict[str, Callable[..., Iterator[Message]]] = {
    "fingerprints": _fingerprints,
    "fuzz": _fuzz,
}
