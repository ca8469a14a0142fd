"""`rlskills env play`: an environment's episodes from the keyboard, one reply per line."""

from __future__ import annotations

import sys
from contextlib import suppress

import tyro

from ...environments import Environment, Message, Play, Score, Task, load

HELP = """\
Type a reply and press Enter; end a line with \\ to go on in the next one.
  :help      this text
  :show      what the environment said so far, and what you replied
  :solution  what an expert would reply (and the end of this attempt)
  :quit      leave; so do Ctrl-D and Ctrl-C
A reply that itself begins with a colon is written with two (::)."""


class Left(Exception):
    """The player has had enough."""


def play(
    env: tyro.conf.Positional[str], /, level: int = 1, split: str = "train", seed: int = 0
) -> None:
    """Play an environment from the keyboard: the very episode that a model is trained on.

    Args:
        env: Name or file.py:Class; options may follow after a question mark, as in
            "function_guess?preset=tiny".
        level: Difficulty, from 1 on.
        split: train, test, or one that the environment holds out.
        seed: Of the tasks; another seed gives another task.
    """
    with suppress(AttributeError):  # what stands in for a terminal may not have it
        sys.stdin.reconfigure(errors="surrogateescape")  # pyright: ignore[reportAttributeAccessIssue]
    loaded = load(env, seed=seed)
    task = loaded.task(split, level, 0)
    playing = Play(loaded.start(task))
    about = f"{loaded.name}, {split}, level {level}, seed {seed}"
    _say(f"{about} (:help for help, :quit to leave)\n")
    _tell(playing.messages)
    try:
        while not playing.over:
            _tell(playing.reply(_read(loaded, task, playing)))
    except (Left, EOFError, KeyboardInterrupt):
        replies = "1 reply" if playing.turns == 1 else f"{playing.turns} replies"
        _say(f"\nLeft after {replies}; nothing is scored.")
        return
    _say(_verdict(playing.score(), task))


def _read(env: Environment, task: Task, playing: Play) -> str:
    """The next reply; commands are obeyed on the way."""
    while True:
        lines = [input("> ")]
        while lines[-1].endswith("\\"):
            lines.append(input(". "))
        text = "\n".join([line[:-1] for line in lines[:-1]] + lines[-1:])
        if not text.startswith(":"):
            return text
        if text.startswith("::"):
            return text[1:]
        _obey(text.strip(), env, task, playing)


def _obey(command: str, env: Environment, task: Task, playing: Play) -> None:
    match command:
        case ":help":
            _say(HELP)
        case ":show":
            _tell(playing.messages)
        case ":solution":
            _say("\n".join(f"> {text}" for text in env.replies(task)))
            raise Left
        case ":quit":
            raise Left
        case _:
            _say(f"unknown command {command[:40]!r}; :help lists them")


def _verdict(score: Score, task: Task) -> str:
    """What came of it, in words."""
    outcome = {
        "ok": "right" if score.correct else "wrong",
        "unparsed": "no answer was found in the last reply",
        "truncated": "stopped: too many or too long replies",
    }.get(score.status, score.status)
    answer = ""
    if not score.correct and task.answer is not None:
        answer = f"\nthe answer was {task.answer!r}"
    parts = ", ".join(f"{name} {value:g}" for name, value in score.parts.items())
    return f"{outcome}{answer}\nreward {score.reward:g} ({parts})"


def _tell(messages: tuple[Message, ...] | list[Message]) -> None:
    for message in messages:
        _say(("> " if message["role"] == "assistant" else "") + message["content"])


def _say(text: str) -> None:
    """Print text of any bytes on any terminal."""
    print(text.encode("utf-8", "backslashreplace").decode(), flush=True)
