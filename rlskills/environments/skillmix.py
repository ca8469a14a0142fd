"""A view of an environment that asks for random combinations of skills.

Yu et al. 2023, "Skill-Mix: a flexible and expandable family of evaluations for AI models" (arXiv
2310.17567): test with random k of n skills; most combinations were then never trained on, and the
chance of that is known.
"""

from __future__ import annotations

from ..errors import UserError
from .environment import EmptySplit, Environment
from .seeding import rng_of
from .skills import never_trained
from .types import Task

COMBINATIONS = 200
"""Combinations that are tried for one that a split owns."""
ORDERS = 20
"""Problems that are drawn of one combination."""


class SkillMix:
    """Tasks that each use `k` different skills, every combination of them equally likely.

    Level k of the environment must compose k skills (`Environment.compose`). Splits are the
    environment's own. A combination that the split does not own in any order that was tried is
    passed over.
    """

    def __init__(self, env: Environment, k: int, *, split: str = "test", seed: int = 0) -> None:
        self.env = env
        self.k = k
        self.split = split
        self.seed = seed
        self.cfg = env.config(k)
        if k > len(env.skills()):
            raise UserError(f"{env.name} names {len(env.skills())} skills, fewer than k={k}")
        if type(env).compose is Environment.compose:
            raise UserError(f"{env.name} cannot compose chosen skills: it defines no `compose`")

    def task(self, index: int) -> Task:
        """The task at this place of the view, the same for everyone; `index` counts in the view."""
        env = self.env
        rng = rng_of("skill-mix", self.seed, env.seed, env.name, env.version, self.split,
                     self.k, index)  # fmt: skip
        for _ in range(COMBINATIONS):
            skills = rng.sample(list(env.skills()), self.k)
            for _ in range(ORDERS):
                rng.shuffle(skills)
                draft = env.compose(rng, self.cfg, tuple(skills))
                if draft is None:
                    continue
                task = env.task_of(draft, self.split, self.k, index)
                if task is not None:
                    return task
        raise EmptySplit(f"{env.name}: no combination of {self.k} skills is in {self.split!r}")

    def never_trained(self, draws: int, size: int | None = None) -> float:
        """The chance that a task's combination was in none of `draws` training tasks of `size`
        random skills each; see `skills.never_trained`."""
        return never_trained(len(self.env.skills()), self.k, draws, size)
