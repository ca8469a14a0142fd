"""Checks of episodes: an expert's ends right, each is a world of its own, none goes on for ever.

Each yields a `Problem` for each thing wrong and returns one line that says what it looked at.
"""

from __future__ import annotations

from ..driver import Play, demonstration, play
from ..environment import Environment
from ..types import Task
from .isolated import shown
from .subject import Problem, Problems, Subject

PATIENCE = ("", "?", "I do not know")
"""Replies that win nothing, each given again and again."""


def episodes(subject: Subject) -> Problems:
    """What an expert replies ends an episode right; episodes of one task do not meet."""
    turns = 0
    for task in subject.sample:
        expert = demonstration(subject.env, task)
        turns = max(turns, expert.turns)
        for wrong in (
            _opening(task, subject.env),
            _ending(expert),
            _again(subject.env, task, expert),
        ):
            if wrong:
                yield Problem(wrong, task)
    if subject.env.multi_turn:
        for task in subject.spread:
            for text in PATIENCE:
                if wrong := _endless(subject.env, task, text):
                    yield Problem(wrong, task, "warning" if "by itself" in wrong else "failure")
    return f"{len(subject.sample)} tasks: an expert is right within {turns} replies"


def _opening(task: Task, env: Environment) -> str:
    opened = env.start(task).open()
    return "" if opened == task.messages else "an episode opens otherwise than with the prompt"


def _ending(expert: Play) -> str:
    if not expert.over:
        return f"the episode is not over after the {expert.turns} replies of the expert"
    said = len(expert.episode.env.replies(expert.episode.task))
    if expert.turns < said:
        return f"the episode is over after {expert.turns} of the expert's {said} replies"
    score = expert.score()
    return "" if score.correct else f"the expert's episode is {score.status} but not correct"


def _again(env: Environment, task: Task, expert: Play) -> str:
    """A second episode beside another one that is disturbed at every turn."""
    other, again = Play(env.start(task)), Play(env.start(task))
    for text in env.replies(task):
        if not other.over:
            other.reply("?")
        if not again.over:
            again.reply(text)
    if again.messages != expert.messages or again.score() != expert.score():
        return "a second episode goes otherwise, beside another one of the same task"
    return ""


def _endless(env: Environment, task: Task, text: str) -> str:
    playing = play(env.start(task), lambda _: text)
    if playing.score().correct:
        return f"an episode of nothing but {shown(text)} scores correct"
    if playing.truncated:
        return (
            f"an episode of nothing but {shown(text)} does not end by itself within "
            f"{playing.caps.turns} turns"
        )
    return ""
