"""What an environment may offer beside problems and grading; every hook is optional.

`Environment` inherits these defaults. A trainer, a curriculum or a check that needs one of them
works with the default too, or says which hook is missing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .episode import Episode
from .skills import prerequisites_of
from .steps import Call
from .types import Draft, Message, StepScore, Task

if TYPE_CHECKING:
    from .environment import Environment


class Capabilities:
    """Optional hooks: reward components, worked steps, demonstrations, turns, skills."""

    # Scoring: more than whether the answer is right.

    def component_scores(self, task: Task, answer: str) -> Mapping[str, float]:
        """Components of the reward beside `verify`, in [0, 1], by name in `reward_components`."""
        return {}

    def steps(self, task: Task, completion: str) -> Sequence[StepScore]:
        """The worked steps in a completion of any text, in order, and whether each is right.

        Where a step says with which character its value begins, what names the call can be told
        from it.
        It must take linear time, as `environments.steps.StepForm` does. Default: none.
        """
        return ()

    def step_count(self, task: Task) -> int:
        """How many steps the worked solution has; 0 where it has none that `steps` reads."""
        return 0

    def calls(
        self, task: Task, completion: str, steps: Sequence[StepScore]
    ) -> Sequence[Call] | None:
        """The `steps` that were read in a completion, taken apart, without those that cannot be.

        Arguments and values are texts; an argument that is the value of an earlier step is written
        as that value is. Told apart like this, mistakes have kinds (`evaluation/explained.py`).
        Linear time. Default: None, for steps that are written `f(a, b) = c` and need no hook.
        """
        return None

    def functions(self) -> Mapping[str, Callable[..., str]]:
        """What the functions in `calls` do to texts, by name, where that can be computed.

        The arguments are a model's: any other than a problem may have is a `ValueError`.
        """
        return {}

    # Demonstrations, for supervised training.

    def answer_only(self, task: Task) -> str:
        """The bare answer in the form `parse` reads, for supervised training without steps."""
        return f"<answer>{task.answer}</answer>"

    def solution(self, task: Task) -> str:
        """A worked solution that scores correct. Default: the answer."""
        return self.answer_only(task)

    def replies(self, task: Task) -> Sequence[str]:
        """What an expert replies, turn by turn. Default: the solution."""
        return (self.solution(task),)

    # Help, for training methods that show some where a model fails.

    def with_definitions(self, task: Task) -> Sequence[Message] | None:
        """The task's messages, with what the skills in it do; None where it cannot say that."""
        return None

    # Several turns.

    def start(self: Any, task: Task) -> Episode:
        """A fresh attempt at a task. Default: one reply, which is the answer."""
        return Episode(self, task)

    # Skills, and what is composed of what.

    def skills(self) -> Sequence[str]:
        """All skills that a task may use, where that is known."""
        return ()

    def pairs(self, of: Draft | Task) -> Sequence[tuple[str, str]]:
        """The ordered pairs of skills (f, g) in which g takes what f returns, for hold-outs by
        pair. Default: neighbours in `skills`, which is right for chains only."""
        return tuple(pairwise(of.skills))

    def compose(self, rng: random.Random, cfg: Any, skills: tuple[str, ...]) -> Draft | None:
        """A problem of exactly these skills, in this evaluation order; None if none was found.

        Level k must compose k skills. `by_composition` and `SkillMix` are made of it.
        """
        return None

    def behaviours(self) -> Mapping[str, Callable[[Any], Any]]:
        """What each skill does to a case of `cases`, where that can be computed."""
        return {}

    def cases(self, rng: random.Random) -> Iterator[Any]:
        """Inputs to compare the behaviours of skills on, without end."""
        return iter(())

    def prerequisites(
        self: Any, levels: Iterable[int], split: str = "train", draws: int = 500
    ) -> Mapping[str, tuple[str, ...]]:
        """What each composition is composed of, for curricula that use a prerequisite graph.

        Read from the first `draws` tasks of each level; see `skills.prerequisites_of` for names.
        """
        tasks = (self.task(split, level, index) for level in levels for index in range(draws))
        return prerequisites_of(tasks)

    # The environment in parts, for a curriculum to choose between.

    def by_skill(self) -> Mapping[str, Environment]:
        """The environment in parts, by the skill that their problems apply last.

        A curriculum can then choose between skills and not only between levels. Default: no parts.
        """
        return {}

    def evaluation_split(self, level: int) -> str:
        """The split whose tasks measure this level; for most environments `test`."""
        return "test"
