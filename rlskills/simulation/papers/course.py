"""The simulated learner counted in steps: accuracy after each, and the rollouts it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from typing_extensions import override

from ..learner import Learner, Rollouts
from ..methods import build
from ..regimes import Protocol, Regime
from ..run import Build, MakeWorld, Run
from ..world import Floats, Integers, World, make_world

ENDLESS = 10**12
"""A budget that no run here spends: they end after a number of steps."""


class Supervised(Learner):
    """Learns from demonstrations: each group stands for one right solution of its task.

    Every part of the task moves by `rate * (1 - q)`, the gradient of the log likelihood, whatever
    the learner would have answered. Rollouts still measure the pass rates that curricula see.
    """

    @override
    def _gradient(self, groups: Rollouts) -> Floats:
        width = self.theta.shape[1]
        where = self.parts[groups.who, groups.tasks] + width * groups.who[:, None]
        moved = np.bincount(where.ravel(), (1 - groups.probabilities).ravel(), self.theta.size)
        return moved.astype(np.float64).reshape(self.theta.shape)


@dataclass(frozen=True)
class Course:
    """S seeds at looks after steps 0, `every`, 2 `every`, ...; shapes are (S, looks)."""

    every: int
    accuracy: Floats
    """Mean true success rate of the tasks that count."""
    rollouts: Integers
    """Generated rollouts so far, those of refused groups among them."""

    def steps_to(self, bar: Floats) -> Floats:
        """Steps until each seed reaches its `bar` (S,); never: one look after the last."""
        return self.every * self._first(bar).astype(float)

    def rollouts_to(self, bar: Floats) -> Floats:
        """The same in rollouts; never: what the last look adds is counted once more."""
        spent = np.column_stack([self.rollouts, 2 * self.rollouts[:, -1] - self.rollouts[:, -2]])
        return spent[np.arange(len(spent)), self._first(bar)].astype(float)

    def _first(self, bar: Floats) -> Integers:
        reached = self.accuracy >= bar[:, None]
        return np.where(reached.any(1), reached.argmax(1), reached.shape[1])

    def accuracy_at(self, rollouts: Integers) -> Floats:
        """Accuracy of each seed when it had spent so many rollouts (S,)."""
        rows = zip(rollouts, self.rollouts, self.accuracy, strict=True)
        return np.array([np.interp(at, spent, seen) for at, spent, seen in rows])


def course(
    regime: Regime,
    seeds: Sequence[int],
    method: str | Build,
    steps: int,
    *,
    every: int = 5,
    make: MakeWorld = make_world,
    learner: type[Learner] = Learner,
    deepest: int = 0,
) -> Course:
    """Run a method for so many steps of the learner.

    Accuracy is over all learnable tasks, or over those of the `deepest` depths only.
    """
    protocol = replace(Protocol(), budget=ENDLESS, tail=ENDLESS)
    teacher = partial(build, method, steps) if isinstance(method, str) else method
    run = Run(regime, protocol, seeds, teacher, make, learner)
    counted = slice(sum(regime.tasks[: len(regime.tasks) - deepest]) if deepest else 0, None)
    accuracy, rollouts = [], []

    def look() -> None:
        rates = run.learner.true_rates(run.record.rows, run.learner.learnable)
        accuracy.append(rates[:, counted].mean(axis=1))
        rollouts.append(run.record.spent.copy())

    look()
    for step in range(1, steps + 1):
        run.step()
        if step % every == 0:
            look()
    return Course(every, np.array(accuracy).T, np.array(rollouts).T)


MIXED = Regime("mixed", "pass rates all over [0, 1], and units nothing is learned from",
               tasks=(24, 48, 48), zero=40, done=40)  # fmt: skip
"""Where gates are compared: like a set of problems and a model that can do some of them."""


def mixed_world(regime: Regime, seed: int) -> World:
    """A world whose atoms are anything between unknown and known; composing is known."""
    world = make_world(regime, seed)
    atoms = regime.tasks[0]
    start = np.full(len(world.start), 2.0)
    start[:atoms] = np.random.default_rng([seed, 7]).normal(0.5, 2.0, atoms)
    return replace(world, start=start)


def missing_world(regime: Regime, seed: int) -> World:
    """A world in which one atom in four is missing (.1) and all else is mastered (.95)."""
    world = make_world(regime, seed)
    atoms = regime.tasks[0]
    start = np.full(len(world.start), 3.0)
    order = np.random.default_rng([seed, 8]).permutation(atoms)
    start[order[: atoms // 4]] = -2.2
    start[atoms:] = 5.0
    return replace(world, start=start)


def admitted(rates: Floats, right: Sequence[int], group_size: int = 8) -> Floats:
    """Chance that a group of a task holds a number of right answers in `right`, by pass rate."""
    return np.sum([binomial(rates, k, group_size) for k in right], axis=0)


def binomial(rates: Floats, k: int, n: int) -> Floats:
    """Chance of k right answers among n."""
    ways = np.prod([(n - i) / (i + 1) for i in range(k)]) if k else 1.0
    return ways * rates**k * (1 - rates) ** (n - k)


def starting_rates(regime: Regime, seeds: Sequence[int], make: MakeWorld = make_world) -> Floats:
    """True success rates of all learnable tasks before any training, (S, tasks)."""
    worlds = [make(regime, seed) for seed in seeds]
    learner = Learner(regime, Protocol(), worlds, seeds)
    return learner.true_rates(np.arange(len(seeds)), learner.learnable)
