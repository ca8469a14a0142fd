"""Regimes fitted to logged training runs: few groups per unit, most of them without variance.

`regimes.py` has a learner that takes hundreds of groups of every task. GRPO on a real model had
some 22 per unit, four in five of them all right or all wrong (docs/studies/curricula.md). This
learner has the parts that make the difference:

- A problem has a chance of its own, Beta(c m, c (1 - m)) around the unit's rate m, so the answers
  to one problem agree: their correlation is 1 / (1 + c).
- Only groups with right and wrong answers teach, by a = sqrt(k (n - k)) / n for k of n right.
- The step has a length of its own, as under Muon or Adam: it is divided by (W + floor)^gamma, W the
  sum of a over all groups of the update. Live groups that teach nothing, such as coins, take away
  from those that do.
- m(s, l) = .98 times the product over j = 2..l of sigmoid(theta_j + phi_s + psi_sj) for skill s at
  level l. What a group moves is shared with other units of its level (theta) and skill (phi).

Rates and shares were fitted to the published runs under six curricula by hand; `few_groups` has
their pool (labels tell distractors apart), `few_groups_hidden` one whose distractors wear the
labels of units that can be learned, `few_groups_open` one without. Measured is the mean rate of
levels 2 to 4, as there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import betaincinv, expit

from ..curricula import Pool
from .learner import Flags, Rollouts
from .regimes import Protocol
from .world import Floats, Integers, Names

SKILLS, LEVELS = 16, 5
MASTERED, DONE, COIN = 0.98, 0.985, 0.5
MEASURED = (2, 3, 4)
"""Levels whose mean rate is measured."""


@dataclass(frozen=True)
class TrainedRegime:
    """A pool of 16 skills at levels 1 to 5, and `useless` units each that are mastered, impossible
    and coins."""

    name: str
    about: str
    rate: float = 0.35
    """Length of the step, in logits."""
    concentration: float = 0.6
    """c of the problems' chances: rho is 1 / (1 + c)."""
    floor: float = 1.0
    gamma: float = 0.65
    level_share: float = 0.5
    """Part of what a group teaches that all units of the level gain."""
    skill_share: float = 0.25
    """Part that all levels of the skill gain; the rest is the unit's own."""
    start: tuple[float, ...] = (0.1, -0.5, -1.2, -2.2)
    """Mean logits of levels 2 to 5."""
    spread: tuple[float, ...] = (0.35, 0.2, 0.5, 0.6)
    """Deviations of logits between seeds, levels, skills, and units."""
    cut_off: float = 0.3
    """Share of level 5 that fits into the tokens of a completion."""
    useless: int = 32
    hidden: bool = False
    """Distractors wear levels and skills of units that can be learned."""
    clean: bool = False


TRAINED = {
    regime.name: regime
    for regime in (
        TrainedRegime("few_groups", "fitted to GRPO runs: few groups, most without variance"),
        TrainedRegime("few_groups_hidden", "the same; distractors wear labels of other units",
                      hidden=True),
        TrainedRegime("few_groups_open", "the same without distractors", useless=0),
    )
}  # fmt: skip

TRAINED_PROTOCOL = Protocol(
    groups=32, budget=30_720, tail=30_720, solved=0.5, check=1, measure="mean"
)
"""120 updates of 32 groups; solved where the mean rate of levels 2 to 4 is one half."""


@dataclass(frozen=True)
class TrainedWorld:
    """One seed's units, those that are measured first, and the logits to begin with."""

    pool: Pool
    names: Names
    kinds: Integers
    """0 can be learned, 1 impossible, 2 coin, 3 mastered."""
    skill: Integers
    level: Integers
    """Level of each unit, 1 for all that cannot be learned."""
    theta: Floats
    """Shape (4,): levels 2 to 5."""
    phi: Floats
    """Shape (skills,)."""
    psi: Floats
    """Shape (skills, 4)."""
    exercises: Flags
    """Shape (measured units, skills)."""


@lru_cache(maxsize=256)
def make_trained_world(regime: TrainedRegime, seed: int) -> TrainedWorld:
    """The world of `seed`, the same for every method."""
    generator = np.random.default_rng([seed, 7])
    between, by_level, by_skill, by_unit = regime.spread
    theta = np.array(regime.start) + generator.normal(0, between) + generator.normal(0, by_level, 4)
    phi = generator.normal(0, by_skill, SKILLS)
    psi = generator.normal(0, by_unit, (SKILLS, LEVELS - 1))
    ordered = [*MEASURED, 5, 1]
    learned = [(skill, level) for level in ordered for skill in range(SKILLS)]
    useless = [(0, 1)] * (3 * regime.useless)
    skill, level = np.array(learned + useless).T
    kinds = np.where(level == 1, 3, 0)
    kinds[len(learned) :] = np.repeat([3, 1, 2], regime.useless)
    names = [f"s{s}@L{n}" for s, n in learned]
    names += [f"{kind}{i}" for kind in ("done", "zero", "coin") for i in range(regime.useless)]
    measured = len(MEASURED) * SKILLS
    return TrainedWorld(
        pool=_pool(generator, names, learned, regime.hidden),
        names=tuple(names),
        kinds=kinds,
        skill=skill,
        level=level,
        theta=theta,
        phi=phi,
        psi=psi,
        exercises=skill[:measured, None] == np.arange(SKILLS),
    )


def _pool(
    generator: np.random.Generator,
    names: Sequence[str],
    learned: Sequence[tuple[int, int]],
    hidden: bool,
) -> Pool:
    """Units in random order. Distractors are single calls, or seem to be any unit if `hidden`."""
    levels = {name: level for name, (_, level) in zip(names, learned, strict=False)}
    skills = {name: (f"s{skill}",) for name, (skill, _) in zip(names, learned, strict=False)}
    before = {f"s{s}@L{n}": (f"s{s}@L{n - 1}",) for s, n in learned if n > 1}
    for i, name in enumerate(names[len(learned) :]):
        levels[name] = int(generator.integers(1, LEVELS + 1)) if hidden else 1
        if hidden:
            skills[name] = (f"s{generator.integers(SKILLS)}",)
        elif name.startswith("done"):
            skills[name] = (f"common{i % SKILLS}",)
    order: list[str] = generator.permutation(list(names)).tolist()
    return Pool(
        units=tuple(order),
        levels={name: levels[name] for name in order},
        prerequisites=before,
        skills={name: skills[name] for name in order if name in skills},
    )


class TrainedLearner:
    """S seeds of the learner, with the interface of `learner.Learner`."""

    def __init__(
        self,
        regime: TrainedRegime,
        protocol: Protocol,
        worlds: Sequence[TrainedWorld],
        seeds: Sequence[int],
    ) -> None:
        self.regime, self.protocol = regime, protocol
        first = worlds[0]
        self.kinds, self.skill, self.level = first.kinds, first.skill, first.level
        self.learnable = len(MEASURED) * SKILLS
        self.theta = np.stack([world.theta for world in worlds])
        self.phi = np.stack([world.phi for world in worlds])
        self.psi = np.stack([world.psi for world in worlds])
        self.seeds = np.array(seeds, dtype=np.int64)
        self.generators = [np.random.default_rng([seed, 8]) for seed in seeds]

    def composing(self) -> Floats:
        """Shape (S, skills, 4): the chance that the call of level 2 to 5 goes right."""
        return expit(self.theta[:, None] + self.phi[:, :, None] + self.psi)

    def true_rates(self, rows: Integers, tasks: int | None = None) -> Floats:
        """True success rates of seeds `rows`, of the first `tasks` units: shape (rows, tasks)."""
        compositions = MASTERED * np.cumprod(self.composing()[rows], axis=2)
        compositions[:, :, -1] *= self.regime.cut_off
        first = np.full((*compositions.shape[:2], 1), MASTERED)
        by_level = np.concatenate([first, compositions], axis=2)
        rates = by_level[:, self.skill, self.level - 1]
        rates[:, self.kinds == 1] = 0.0
        rates[:, self.kinds == 2] = COIN
        rates[:, (self.kinds == 3) & (np.arange(len(self.kinds)) >= SKILLS * LEVELS)] = DONE
        return rates[:, :tasks]

    def rollout(
        self, who: Integers, tasks: Integers, sizes: Integers, problems: Integers
    ) -> Rollouts:
        """Roll out groups; `who` must be sorted. A seed's draws depend on its own groups only.

        A problem that is given again keeps its rank among those of its unit, whatever the unit's
        rate has become.
        """
        rates = self.true_rates(np.arange(len(self.generators)))[who, tasks]
        rewards = np.zeros((len(who), int(sizes.max(initial=0))))
        spread = self.regime.concentration
        mean = np.clip(rates, 1e-6, 1 - 1e-6)
        rank = ranks(self.seeds[who], tasks, problems)
        chances = betaincinv(spread * mean, spread * (1 - mean), rank)
        chances = np.where(rates == 0, 0.0, chances)
        for row in np.unique(who):
            mine = np.flatnonzero(who == row)
            chance = chances[mine]
            draws = self.generators[row].random((len(mine), int(sizes[mine].max())))
            real = np.arange(draws.shape[1]) < sizes[mine, None]
            rewards[mine, : draws.shape[1]] = (draws < chance[:, None]) & real
        none = np.zeros((len(who), rewards.shape[1], 0), dtype=bool)
        return Rollouts(who, tasks, sizes, none, np.zeros((len(who), 0)), rewards)

    def update(self, groups: Sequence[Rollouts], rows: Integers, spent: Integers) -> None:
        """One step of seeds `rows` on admitted `groups`, of a length that W sets."""
        size = self.protocol.group_size
        q, seeds = self.composing(), len(self.generators)
        total = np.zeros(seeds)
        moved = np.zeros_like(self.psi)
        by_skill = np.zeros_like(self.phi)
        for part in groups:
            right = part.rewards.sum(axis=1)
            # A group of another size than usual weighs by its rollouts.
            teaches = np.sqrt(right * (part.sizes - right)) / size
            np.add.at(total, part.who, teaches)
            can = (self.kinds[part.tasks] == 0) & (teaches > 0)
            who, skill = part.who[can], self.skill[part.tasks[can]]
            calls = self.level[part.tasks[can]] - 1
            used = np.arange(LEVELS - 1) < calls[:, None]
            gain = teaches[can, None] * (1 - q[who, skill]) * used
            np.add.at(moved, (who, skill), gain)
            np.add.at(by_skill, (who, skill), gain.sum(axis=1) / calls)
        regime = self.regime
        length = regime.rate / (total + regime.floor) ** regime.gamma
        own = 1 - regime.level_share - regime.skill_share
        self.theta += regime.level_share * length[:, None] * moved.sum(axis=1)
        self.phi += regime.skill_share * length[:, None] * by_skill
        self.psi += own * length[:, None, None] * moved

    def state_dict(self) -> dict[str, Any]:
        """Logits and generators, JSON-safe."""
        logits = {name: getattr(self, name).tolist() for name in ("theta", "phi", "psi")}
        states = [generator.bit_generator.state for generator in self.generators]
        return logits | {"generators": states}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict` of the same regime, protocol and seeds."""
        for name in ("theta", "phi", "psi"):
            getattr(self, name)[...] = np.array(state[name])
        for generator, saved in zip(self.generators, state["generators"], strict=True):
            generator.bit_generator.state = saved


def ranks(seeds: Integers, units: Integers, problems: Integers) -> Floats:
    """Uniform numbers in (0, 1), shape (groups,), that follow from seed, unit and problem alone.

    The finaliser of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number
    generators"), over the three in turn.
    """
    state = np.zeros(len(units), dtype=np.uint64)
    for part in (seeds, units, problems):
        state = (state ^ part.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return ((state >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53
