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
    """How often each skill was missing in recent groups that need it; one not seen is missing.

    The paper's teacher reads an answer and names what it lacks. Tags tell only what a unit needs,
    so a failure is shared out: if an answer is right when all its skills are applied rightly, and
    skill s goes wrong with probability m_s independently of the others, a wrong answer has it wrong
    with probability m_s / (1 - prod (1 - m)) over its skills. Blaming all of them alike would make
    skills that often occur beside a missing one look missing too.
    """

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
        """Share each group's failures out among its skills."""
        tags = np.concatenate([self.tags[i] for i in at.tolist()])
        number = self.size[at].astype(np.int64)
        of = np.repeat(np.arange(len(at)), number)
        missing = self.rate()[tags]
        any_missing = 1 - np.multiply.reduceat(1 - missing, np.cumsum(number) - number)
        blame = missing / np.maximum(any_missing[of], missing)
        self.missed *= self.decay
        self.met *= self.decay
        np.add.at(self.missed, tags, (count * (1 - mean))[of] * blame)
        np.add.at(self.met, tags, count[of])

    def rate(self) -> Array:
        """How often each skill is missing where it is needed, above 0 and at most 1."""
        return (self.missed + 1e-3) / (self.met + 1e-3)


class STATSel(Base):
    """STAT-Sel: units in proportion to the mean missing rate of their skills.

    `decay` is how much of the profile a step keeps; `epsilon` of the draws go to all units alike.
    """

    name = "stat_sel"
    version = 2
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
        p = self.profile
        # Pairs of a unit and a skill lie by unit; `_by_skill` finds those of a skill.
        self._by_skill = np.argsort(p.by_unit, kind="stable")
        self._ends = np.append(p.starts[1:], len(p.skill))
        self._find_least()

    def _find_least(self) -> None:
        """For all pairs, whether the unit is practised least of those with the skill."""
        self._least = np.zeros(len(self._by_skill))
        self._tied = np.zeros(len(self._ends))
        for skill in range(len(self._ends)):
            self._find_least_of(skill)

    def _find_least_of(self, skill: int) -> None:
        part = slice(self.profile.starts[skill], self._ends[skill])
        number = self.practised[self.profile.unit[part]]
        least = number == number.min()
        self._least[self._by_skill[part]] = least
        self._tied[skill] = least.sum()

    @override
    def weights(self) -> Array:
        p = self.profile
        share = self._least * (p.rate() / self._tied)[p.by_unit]
        return mixed(np.add.reduceat(share, p.first), self.options.epsilon)

    @override
    def learn(self, batch: Batch) -> None:
        super().learn(batch)
        at, _, count = batch.pooled()
        self.practised[at] += count
        p = self.profile
        for unit in at.tolist():  # what was practised least is so no longer
            pairs = slice(p.first[unit], p.first[unit] + len(p.tags[unit]))
            self._tied[p.by_unit[pairs]] -= self._least[pairs]
            self._least[pairs] = 0.0
        for skill in np.flatnonzero(self._tied == 0).tolist():
            self._find_least_of(skill)

    @override
    def refresh(self) -> None:
        self._find_least()
        self.invalidate()

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
