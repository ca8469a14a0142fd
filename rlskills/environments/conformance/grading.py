"""Checks of how answers are graded: right ones right, wrong ones wrong, hostile ones harmless.

Each yields a `Problem` for each thing wrong and returns one line that says what it looked at.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from ..environment import Environment
from ..types import StepScore, Task
from .isolated import ChildDied, run, same, shown
from .subject import Problem, Problems, Subject, address, progress, raised


def oracle(subject: Subject) -> Problems:
    """Worked solutions and bare answers score correct, with the same answer in both."""
    env = subject.env
    for task in subject.sample:
        for name, text in _right(env, task).items():
            score = env.score(task, text)
            if not score.correct:
                yield Problem(f"{name} is {score.status} but not correct: {shown(text)}", task)
            elif not score.parts["format"]:
                text = f"{name} is right but not well formed: {shown(text)}"
                yield Problem(text, task, "warning")
    return f"{len(subject.sample)} tasks: solution and answer_only score correct"


def _right(env: Environment, task: Task) -> dict[str, str]:
    """Completions that ought to be right. Without an oracle only an own `answer_only` counts."""
    texts = {"solution": env.solution(task)}
    if task.answer is not None or type(env).answer_only is not Environment.answer_only:
        texts["answer_only"] = env.answer_only(task)
    return texts


def steps(subject: Subject) -> Problems:
    """The steps of the worked solution are read, all of them, and right; of its first half too."""
    env, most = subject.env, 0
    for task in subject.sample:
        text, count = env.solution(task), env.step_count(task)
        most = max(most, count)
        read = env.score(task, text).steps
        if len(read) != count:
            yield Problem(f"{len(read)} steps are read in a solution of {count}", task)
        half = env.score(task, text[: len(text) // 2], truncated=True).steps
        if wrong := [step for step in (*read, *half) if not step.correct]:
            yield Problem(f"a step of the solution is wrong: {_cut(text, wrong[0])}", task)
    if not most:
        return "the environment reads no worked steps"
    return f"{len(subject.sample)} solutions of up to {most} steps: all are read and right"


def _cut(text: str, step: StepScore) -> str:
    return shown(text[step.start : step.end])


def truncated(subject: Subject) -> Problems:
    """A completion that was cut off is not correct, whatever it holds."""
    for task in subject.sample:
        score = subject.env.score(task, subject.env.solution(task), truncated=True)
        if score.correct or score.status != "truncated":
            yield Problem(f"a truncated solution is {score.status}, {score.correct=}", task)
    return f"{len(subject.sample)} solutions cut off: none correct"


def copies(subject: Subject) -> Problems:
    """A task that went through JSON or pickle is the same task and scores the same."""
    env = subject.env
    for task in subject.sample:
        ways: dict[str, Callable[[Task], Task]] = {
            "JSON": lambda task: Task.from_json(task.to_json()),
            "pickle": lambda task: pickle.loads(pickle.dumps(task)),
            "no change": lambda task: task,
        }
        texts = [*_right(env, task).values(), "<answer>\0</answer>", ""]
        before = [env.score(task, text) for text in texts]
        for way, copy in ways.items():
            try:
                other = copy(task)
            except Exception as error:
                yield Problem(f"{way} {raised(error)}", task)
                continue
            if other != task:
                yield Problem(f"{way} gives another task: {shown(repr(other.data))}", task)
            elif [env.score(other, text) for text in texts] != before:
                yield Problem(f"scores differ after {way}", task)
    return f"{len(subject.sample)} tasks through JSON and pickle: same task, same scores"


def exchanged(subject: Subject) -> Problems:
    """The answer to one task is wrong for another one.

    Where many answers are right, one may fit by chance: a few are a warning only, and so are all
    where the environment says that answers fit other tasks.
    """
    tried, accepted = 0, []
    for task, other in pairwise([*subject.sample, *subject.sample[:1]]):
        if other.answer is None or other.key == task.key or same(other.answer, task.answer or ""):
            continue
        tried += 1
        progress()
        if subject.env.score(task, subject.env.answer_only(other)).correct:
            accepted.append(Problem(f"takes {shown(other.answer)}, another task's answer", task))
    strange = 4 * len(accepted) > tried and not subject.env.many_valid_answers
    for problem in accepted:
        yield problem._replace(level="failure" if strange else "warning")
    return f"{tried} answers to other tasks: none correct"


def junk(subject: Subject) -> Problems:
    """Text that is no answer is not correct, raises nothing and is graded quickly."""
    return (yield from _hostile(subject, "junk"))


def injections(subject: Subject) -> Problems:
    """Code instead of an answer is not executed."""
    return (yield from _hostile(subject, "injections"))


def _hostile(subject: Subject, kind: str) -> Problems:
    addresses = [address(task) for task in subject.spread]
    tried, number, text = 0, 0, "before the first string"
    with tempfile.TemporaryDirectory() as folder:
        marker = str(Path(folder) / "executed")
        job = run(
            "fuzz", subject.spec, addresses=addresses, kind=kind, count=subject.junk, marker=marker
        )
        try:
            for message in job:
                progress()
                if message[0] == "try":
                    tried, number, text = tried + 1, message[1], message[2]
                elif message[0] == "bad":
                    yield Problem(f"{text} {message[1]}", subject.spread[number])
        except ChildDied as error:
            yield Problem(f"{text}: {error}", subject.spread[number])
    return f"{tried} trials on {len(addresses)} tasks: none correct, none raised, none slow"
