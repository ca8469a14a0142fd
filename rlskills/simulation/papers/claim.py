"""What a paper says of its method, beside what comes out of a small experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ...stats import Interval, bootstrap

Verdict: TypeAlias = Literal["reproduced", "not reproduced", "not comparable"]


@dataclass(frozen=True)
class Measure:
    """A number over seeds, and what it is of."""

    what: str
    value: Interval


@dataclass(frozen=True)
class Claim:
    """One claim of one paper; the first of `measures` decides the verdict."""

    name: str
    paper: str
    says: str
    """What the paper says, with its number where there is one."""
    setting: str
    """What was run here, and what was chosen because the paper's constant is not known."""
    measures: tuple[Measure, ...]
    verdict: Verdict
    why: str
    """What the result depends on, and what it means for the benchmark."""

    @property
    def found(self) -> str:
        """The deciding measure as text."""
        return f"{self.measures[0].what}: {self.measures[0].value:.2f}"


def over_seeds(values: ArrayLike) -> Interval:
    """Mean of one value per seed, with a 95 % bootstrap interval over seeds."""
    return bootstrap(values, "seeds")


def times(slow: ArrayLike, fast: ArrayLike) -> Interval:
    """How many times `slow` is `fast`: geometric mean over paired seeds, with its interval."""
    return over_seeds(np.log(np.asarray(slow) / np.asarray(fast))).map(np.exp)


def decide(interval: Interval, bar: float = 0.0) -> Verdict:
    """Reproduced where the whole interval lies above `bar`."""
    return "reproduced" if interval.low > bar else "not reproduced"


def all_of(verdicts: Sequence[Verdict]) -> Verdict:
    """Reproduced where every part is."""
    return "reproduced" if set(verdicts) == {"reproduced"} else "not reproduced"
