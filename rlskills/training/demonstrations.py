"""What a supervised arm shows of a problem: a worked solution or a bare answer, right or wrong.

Noise in labels asks what supervised training makes of poor demonstrations. Kaur et al. 2024,
"Instruct-SkillMix" (arXiv 2408.14774) mix a fifth of careless answers into data of random skill
pairs, and the model ends clearly worse. Here a wrong demonstration has what another problem of the
same kind ends in, and the environment's own grader must have found it wrong:

* worked steps stand as they should up to the last call, whose value is that of the other problem,
  and so is the answer; where the environment does not read its steps, the other's whole solution;
* a bare answer is that of the other problem;
* in several turns an expert's replies are followed by the other's last one.

Which demonstrations are wrong, and how, follows from the seed and the problem alone: it is the same
on every process, in any order, and after a resume.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from ..environments import (
    Environment,
    Play,
    Score,
    Task,
    bare_answer,
    demonstration,
    replied,
    rng_of,
)
from ..errors import UserError

TRIES = 200
"""Other problems that are looked at for an answer that is wrong here."""
ADDRESSES = 2**40
"""From which those are drawn."""


@dataclass(frozen=True)
class Demonstrations:
    """Shows problems; of a `noise` share of them, by `seed`, what is wrong."""

    worked: bool
    noise: float = 0.0
    seed: int = 0

    def text(self, env: Environment, task: Task) -> str:
        """What the one reply to a task should be."""
        rng = self._draws(task)
        if rng is None:
            return env.solution(task) if self.worked else env.answer_only(task)
        for other in self._others(env, task, rng):
            for text in self._endings(env, task, other):
                if _wrong(env.scores([task], [text])[0]):
                    return text
        raise self._none(env, task)

    def play(self, env: Environment, task: Task) -> Play:
        """An episode played to its end: an expert's, or of an answer that is given at once."""
        rng = self._draws(task)
        if rng is None:
            return (demonstration if self.worked else bare_answer)(env, task)
        for other in self._others(env, task, rng):
            played = replied(env, task, self._replies(env, task, other))
            if played.over and not played.truncated and _wrong(played.score()):
                return played
        raise self._none(env, task)

    def wrong(self, task: Task) -> bool:
        """Whether this task is shown with a wrong answer."""
        return self._draws(task) is not None

    def _draws(self, task: Task) -> Random | None:
        """What a wrong demonstration is drawn with; None for right ones."""
        if not self.noise:
            return None
        rng = rng_of(
            "label_noise", self.seed, task.env, task.split, task.level, task.index, task.key
        )
        return rng if rng.random() < self.noise else None

    def _others(self, env: Environment, task: Task, rng: Random) -> Iterator[Task]:
        for _ in range(TRIES):
            yield env.task(task.split, task.level, rng.randrange(ADDRESSES))

    def _endings(self, env: Environment, task: Task, other: Task) -> Iterator[str]:
        """Texts for `task` that end as `other` does, the most like a right one first."""
        if not self.worked:
            yield env.answer_only(other)
            return
        if (text := spliced(env, task, other)) is not None:
            yield text
        yield env.solution(other)

    def _replies(self, env: Environment, task: Task, other: Task) -> Sequence[str]:
        if not self.worked:
            return [env.answer_only(other)]
        return [*env.replies(task)[:-1], env.replies(other)[-1]]

    def _none(self, env: Environment, task: Task) -> UserError:
        return UserError(
            f"label_noise: the answers of {TRIES} other problems of {env.name} (level "
            f"{task.level}) are all right for one of its problems, or none could be read"
        )


def spliced(env: Environment, task: Task, other: Task) -> str | None:
    """The worked solution of `task` up to its last step, from there on that of `other`.

    They are joined where the value of the step begins if both say where, else where the step does;
    None where the environment does not read steps in its solutions.
    """
    own, theirs = env.solution(task), env.solution(other)
    steps, others = env.steps(task, own), env.steps(other, theirs)
    if not steps or not others:
        return None
    last, follows = steps[-1], others[-1]
    if last.value is not None and follows.value is not None:
        return own[: last.value] + theirs[follows.value :]
    return own[: last.start] + theirs[follows.start :]


def _wrong(score: Score) -> bool:
    """Whether an answer was read, and is wrong."""
    return score.status == "ok" and not score.correct
