"""Driving episodes: caps enforced on any player, and the transcript of what was said.

Keyboard, supervised demonstrations, evaluation and training all drive the same `Play`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from ..errors import UserError
from .environment import Environment, GraderError
from .episode import Caps, Episode, Turn
from .guard import ENDINGS, end_copies, sent_by_signal
from .types import Message, Score, Task


class Play:
    """An episode under way. Once `over`, only `score` is of interest."""

    def __init__(self, episode: Episode, caps: Caps | None = None) -> None:
        self.episode = episode
        self.caps = caps or episode.caps
        self.messages: list[Message] = episode.open()
        """The transcript: the opening, replies by the role `assistant`, and what came back."""
        self.turns = 0
        self.over = False
        self.truncated = False
        self._characters = 0
        self._score: Score | None = None

    def reply(self, text: str, *, cut: bool = False) -> tuple[Message, ...]:
        """Give one reply to the episode, and return what it says to that.

        A reply that was `cut` off by its sampler, or that breaks a cap, is not given to the
        episode but ends it as truncated. So does the last turn allowed, if it is not the end.
        """
        if self.over:
            raise UserError("the episode is over")
        self.turns += 1
        self._characters += len(text)
        if cut or self._characters > self.caps.characters:
            self.stop()
            # Memory is bounded whatever a player sends.
            text = text[: self.caps.characters]
        self.messages.append({"role": "assistant", "content": text})
        if self.over:
            return ()
        turn = self._step(text)
        self.over = turn.done
        self.messages.extend(turn.messages)
        if not self.over and self.turns >= self.caps.turns:
            self.stop()
        return turn.messages

    def stop(self) -> None:
        """End the episode as truncated, unless it is over already."""
        self.truncated = self.truncated or not self.over
        self.over = True

    def score(self) -> Score:
        """The score, graded once; an episode that is not over counts as truncated."""
        self.stop()
        if self._score is None:
            self._score = self.episode.score(truncated=self.truncated)
        return self._score

    def _step(self, text: str) -> Turn:
        owner = os.getpid()
        try:
            turn = self.episode.step(text)
            if not turn.done and not turn.messages:
                raise ValueError("step says nothing and is not done: there is nothing to reply to")
            return turn
        except (Exception, *ENDINGS) as error:
            if isinstance(error, ENDINGS) and sent_by_signal(error):
                raise
            raise GraderError(_report(self.episode, error, text)) from error
        finally:
            end_copies(owner)


def play(
    episode: Episode, answer: Callable[[list[Message]], str], caps: Caps | None = None
) -> Play:
    """Let `answer`, which is shown the transcript so far, reply until the episode is over."""
    playing = Play(episode, caps)
    while not playing.over:
        playing.reply(answer(playing.messages))
    return playing


def demonstration(env: Environment, task: Task) -> Play:
    """The episode that `env.replies(task)` make, played to its end."""
    return replied(env, task, env.replies(task))


def bare_answer(env: Environment, task: Task) -> Play:
    """The episode of an answer given at once, in the form `answer_only`."""
    return replied(env, task, [env.answer_only(task)])


def replied(env: Environment, task: Task, replies: Iterable[str]) -> Play:
    """The episode that these replies make, or as many of them as it takes."""
    playing = Play(env.start(task))
    for text in replies:
        if playing.over:
            break
        playing.reply(text)
    return playing


def _report(episode: Episode, error: BaseException, text: str) -> str:
    task = episode.task.to_json()[:2000]
    return (
        f"step of {episode.env.name} raised {type(error).__name__}: {error}"
        f"\n  task: {task}\n  reply: {text[:2000]!r}"
    )


__all__ = ["Play", "bare_answer", "demonstration", "play", "replied"]
