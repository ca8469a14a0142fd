"""STAT: a profile of missing skills, from the skill tags of what fails, says what to practise.

He et al. 2025, "Skill-Targeted Adaptive Training", arXiv 2510.10023. The paper has a strong model
name the skills that an answer misses; an environment that composes its tasks knows their tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ...errors import UserError
from ..base import Base
from ..batch import Batch
from ..options import POSITIVE, ensure, fraction, inside
from ..pickers import mixed
from ..pool import Pool
from ..reporting import summary
from ..state import Array, IntArray, Stateful


class Profile(Stateful):
    """The share of recent groups with a skill that failed, by skill; not seen counts as failed."""

    rows = ("missed", "met")

    def __init__(self, pool: Pool, method: str, decay: float) -> None:
        tags = [list(dict.fromkeys(pool.skills.get(unit, ()))) for unit in pool.units]
        for unit, tag in zip(pool.units, tags, strict=True):
            if not tag:
                raise UserError(f"{method} needs skill tags for every unit; {unit!r} has none")
        self.keys = tuple(dict.fromkeys(skill for tag in tags for skill in tag))
        index = {skill: i for i, skill in enumerate(self.keys)}
        self.tags = [np.array([index[skill] for skill in tag], dtype=np.int64) for tag in tags]
        pairs = sorted((skill, unit) for unit, tag in enumerate(self.tags) for skill in tag)
        self.skill, self.unit = np.array(pairs, dtype=np.int64).T
        self.size = np.array([len(tag) for tag in tags], dtype=float)
        self.by_unit = np.concatenate(self.tags)
        self.first = np.concatenate([[0], np.cumsum(self.size)[:-1]]).astype(np.int64)
        self.starts = np.searchsorted(self.skill, np.arange(len(self.keys)))
        self.decay = decay
        self.missed, self.met = np.zeros(len(self.keys)), np.zeros(len(self.keys))

    def update(self, at: IntArray, mean: Array, count: Array) -> None:
        """Count a failure for every skill of the group."""
        self.missed *= self.decay
        self.met *= self.decay
        tags = np.concatenate([self.tags[i] for i in at.tolist()])
        of = np.repeat(np.arange(len(at)), self.size[at].astype(np.int64))
        np.add.at(self.missed, tags, (count * (1 - mean))[of])
        np.add.at(self.met, tags, count[of])

    def rate(self) -> Array:
        """Share of failures by skill, between 0 and 1."""
        return (self.missed + 1e-3) / (self.met + 1e-3)


class STATSel(Base):
    """STAT-Sel: units in proportion to the mean missing rate of their skills.

    `decay` is how much of the profile a step keeps; `epsilon` of the draws go to all units alike.
    """

    name = "stat_sel"
    family = "structure"
    paper = "He et al. 2025, arXiv 2510.10023"
    information = "skill tags"
    order_free = True
    reaches_all = True
    saved = ("profile",)

    @dataclass(frozen=True)
    class Options(Base.Options):
        decay: float = fraction(0.99)
        """What the profile keeps in a step."""
        epsilon: float = inside(0.1)
        """Share of the draws that goes to all units alike."""

    options: Options

    @override
    def setup(self) -> None:
        self.profile = Profile(self.pool, self.name, self.options.decay)

    @override
    def weights(self) -> Array:
        p = self.profile
        return mixed(np.add.reduceat(p.rate()[p.by_unit], p.first) / p.size, self.options.epsilon)

    @override
    def learn(self, batch: Batch) -> None:
        self.profile.update(*batch.pooled())

    @override
    def own_metrics(self) -> Mapping[str, float]:
        rates = self.profile.rate()
        return {"missing": float(rates.mean()), **summary("missing", self.profile.keys, rates)}


class STATSyn(STATSel):
    """STAT-Syn: new tasks for the skills that are missing.

    Where the paper has a teacher write questions, here a skill is drawn in proportion to its
    missing rate, and then one of the units practised least among those that need it. `propose`
    names combinations of missing skills that the pool has no unit for: a task factory can make them
    and `resize` the curriculum.
    """

    name = "stat_syn"
    rows = ("practised",)

    @override
    def setup(self) -> None:
        super().setup()
        self.practised = np.zeros(len(self.units))

    @override
    def weights(self) -> Array:
        p = self.profile
        number = self.practised[p.unit]
        least = number == np.minimum.reduceat(number, p.starts)[p.skill]
        tied = np.add.reduceat(least.astype(float), p.starts)
        share = least * (p.rate() / tied)[p.skill]
        total = np.bincount(p.unit, weights=share, minlength=len(self.units))
        return mixed(total.astype(float), self.options.epsilon)

    @override
    def learn(self, batch: Batch) -> None:
        super().learn(batch)
        at, _, count = batch.pooled()
        self.practised[at] += count

    def propose(self, count: int, width: int = 2) -> list[tuple[str, ...]]:
        """Up to `count` sets of `width` skills that no unit has, the most missing drawn first.

        Draws from the curriculum's own generator.
        """
        ensure("width", width, *POSITIVE)
        known = {frozenset(tag.tolist()) for tag in self.profile.tags}
        rates, skills = self.profile.rate().tolist(), list(range(len(self.profile.keys)))
        sets: dict[frozenset[int], None] = {}
        for _ in range(20 * count):  # combinations may run out
            if len(sets) >= count or width > len(skills):
                break
            # Exponential clocks: the first `width` to ring are a draw without replacement.
            clocks = [self.rng.expovariate(rates[skill]) for skill in skills]
            chosen = frozenset(sorted(skills, key=clocks.__getitem__)[:width])
            if chosen not in known:
                sets[chosen] = None
        return [tuple(self.profile.keys[i] for i in sorted(chosen)) for chosen in sets]
