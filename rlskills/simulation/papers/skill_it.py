"""Skill-It on a chain of skills, learned from right answers.

Chen et al. 2023, arXiv 2307.14430. The paper's LEGO task asks for the value of the i-th variable
of a chain of assignments, so that skill i needs skills 1 to i - 1. Here a model of five stochastic
matrices learns five unknown permutations: skill i asks for what the first i of them make of a
symbol, and is learned by gradient descent on -log p of the right answer. Nothing says that skill i
needs the earlier ones: while one of its matrices is flat, the gradients of the others vanish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from ...curricula import Base, Choice, Outcome, Pool, make
from ..methods import build
from ..regimes import REGIMES, Protocol
from ..run import Build, Run
from ..world import Floats
from .claim import Claim, Measure, decide, over_seeds, times

SKILLS, SYMBOLS, BATCH, RATE, STEPS, SOLVED = 5, 8, 32, 0.5, 4000, 0.9
UNITS = tuple(f"skill {i + 1}" for i in range(SKILLS))
CHAIN = Pool(UNITS, prerequisites={after: (before,) for before, after in pairwise(UNITS)})
TUNINGS = ("skill_it", "skill_it?eta=2.0", "skill_it?eta=0.1", "skill_it?every=5")


class Chain:
    """Matrices P_i = softmax of logits, and the permutations that they are to become."""

    def __init__(self, seed: int) -> None:
        generator = np.random.default_rng([seed, 5])
        self.logits = 0.1 * generator.standard_normal((SKILLS, SYMBOLS, SYMBOLS))
        self.right = []
        now = np.arange(SYMBOLS)
        for _ in range(SKILLS):
            now = generator.permutation(SYMBOLS)[now]
            self.right.append(now)

    def matrices(self) -> Floats:
        """All P_i, rows sum to 1: (skills, symbols, symbols)."""
        raised = np.exp(self.logits - self.logits.max(2, keepdims=True))
        return raised / raised.sum(2, keepdims=True)

    def probabilities(self) -> Floats:
        """Mean probability of the right answer by skill."""
        product, found = np.eye(SYMBOLS), []
        for matrix, right in zip(self.matrices(), self.right, strict=True):
            product = product @ matrix
            found.append(product[np.arange(SYMBOLS), right].mean())
        return np.array(found)

    def train(self, counts: Floats) -> None:
        """A step of gradient descent on the mean loss of a batch with `counts` of each skill."""
        matrices = self.matrices()
        befores = [np.eye(SYMBOLS)]
        for matrix in matrices:
            befores.append(befores[-1] @ matrix)
        slopes, at = np.zeros_like(matrices), np.arange(SYMBOLS)
        for skill in np.flatnonzero(counts):
            right = self.right[skill]
            after = np.zeros((SYMBOLS, SYMBOLS))
            after[at, right] = -1 / np.maximum(befores[skill + 1][at, right], 1e-12) / SYMBOLS
            for i in range(skill, -1, -1):
                slopes[i] += counts[skill] * (befores[i].T @ after)
                after = after @ matrices[i].T
        slopes /= counts.sum()
        within = slopes - (slopes * matrices).sum(2, keepdims=True)
        self.logits -= RATE * SYMBOLS * matrices * within


@dataclass(frozen=True)
class Lesson:
    """What one seed learned: mean accuracy over skills after every step, and steps to all."""

    accuracy: Floats
    steps: int

    def ahead_of(self, other: Lesson) -> float:
        """Largest lead in accuracy at equal steps, while both are at work."""
        common = min(self.steps, other.steps)
        return float((self.accuracy[:common] - other.accuracy[:common]).max())


def lesson(spec: str, seed: int) -> Lesson:
    """Train one model; all skills are validated after every step, as the paper does each round."""
    model, teacher = Chain(seed), make(spec, CHAIN, seed)
    curve: list[float] = []
    for step in range(1, STEPS + 1):
        chosen = [teacher.index[choice.unit] for choice in teacher.sample(BATCH)]
        model.train(np.bincount(chosen, minlength=SKILLS).astype(float))
        rates = model.probabilities()
        curve.append(float(rates.mean()))
        teacher.observe([
            Outcome(Choice(unit), (min(rate, 1.0),), step)
            for unit, rate in zip(UNITS, rates.tolist(), strict=True)
        ])  # fmt: skip
        if rates.min() >= SOLVED:
            break
    return Lesson(np.array(curve), len(curve))


def blamed(pool: Pool, seed: int) -> Base:
    """Version 1 of our `skill_it`: .5 for every direct part of every unit."""
    edges: dict[str, dict[str, float]] = {}
    for unit, parts in pool.prerequisites.items():
        for part in parts:
            edges.setdefault(part, {})[unit] = 0.5
    return make("skill_it", pool, seed, edges=edges)


def rl_gains(seeds: Sequence[int], budget: int) -> Mapping[str, Measure]:
    """Rollouts to mastery in the benchmark's `chain`, uniform's over those of each tuning."""
    protocol = Protocol(budget=budget)
    tried: dict[str, Build] = {"version 1": blamed}
    tried |= {spec: partial(build, spec, 1) for spec in TUNINGS}

    def rollouts(teacher: Build) -> list[int]:
        results = Run(REGIMES["chain"], protocol, seeds, teacher).play()
        return [result.mastery or protocol.budget for result in results]

    uniform = rollouts(partial(build, "uniform", 1))
    return {
        name: Measure(f"RL, regime chain: times faster than uniform, {name}",
                      times(uniform, rollouts(teacher)))
        for name, teacher in tried.items()
    }  # fmt: skip


def claim(seeds: Sequence[int], budget: int = Protocol.budget) -> Claim:
    """Skill-It against uniform draws at equal steps, and tunings of it under RL."""
    lessons = {spec: [lesson(spec, seed) for seed in seeds]
               for spec in ("uniform", "skill_it", "skill_it?eta=2.0")}  # fmt: skip
    steps = {spec: [one.steps for one in found] for spec, found in lessons.items()}
    pairs = zip(lessons["skill_it"], lessons["uniform"], strict=True)
    ahead = [mine.ahead_of(other) for mine, other in pairs]
    gain = times(steps["uniform"], steps["skill_it"])
    sharper = times(steps["uniform"], steps["skill_it?eta=2.0"])
    return Claim(
        name="skill_it",
        paper="Chen et al. 2023, arXiv 2307.14430",
        says="On LEGO, 36.5 points more accuracy than random sampling after equal steps.",
        setting=f"{SKILLS} skills in a chain over {SYMBOLS} symbols, batches of {BATCH}, gradient "
        "descent on the right answer; eta .5 as in the paper, records every 25 steps (chosen).",
        measures=(
            Measure("times fewer steps than uniform until all skills are at .9", gain),
            Measure("the same with eta 2", sharper),
            Measure("most accuracy ahead at equal steps", over_seeds(ahead)),
            *rl_gains(seeds, budget).values(),
        ),
        verdict=decide(gain, 1.0),
        why="With right answers to learn from, the skill with the highest loss is also the one "
        "that teaches most once its prerequisite is there. Under RL a unit with a loss near 1 is "
        "one whose groups all fail, and such groups teach nothing; the weight that high losses "
        "get is spent on them, and a large eta, which is faster on the chain, is a gamble. Our "
        "version 1 also gave a part .5 for every unit that it helps, "
        "which in a graph of compositions left next to nothing for the skills that come first.",
    )
