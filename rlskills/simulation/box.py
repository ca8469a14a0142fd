"""The continuous twin: tasks are points of a box, for curricula that choose parameters.

The box is cut into a grid of cells (after the toy world of Portelas et al., "Teacher algorithms
for curriculum learning of deep RL in continuously parameterized environments", CoRL 2019). A
visit raises a cell's competence if it is open: the origin always is, another cell once its
neighbours below are mastered (`or`: any one, diagonals included; `and`: the next one down in every
direction). Added here: directions without any influence, cells that never grow, and noise on
rewards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from time import perf_counter

import numpy as np

from ..curricula import BoxPool, Choice, Outcome
from ..errors import UserError
from .record import POINTS, SeedResult
from .references import BoxOracle
from .run import Build, check_needs


@dataclass(frozen=True)
class BoxRegime:
    """One grid of `cells` cells in each of `dims` directions, `useless` directions beside them."""

    name: str
    about: str
    cells: int = 10
    dims: int = 2
    useless: int = 0
    blocked: float = 0.0
    """Share of cells that never grow."""
    noise: float = 0.0
    """Standard deviation of a reward."""
    rule: str = "or"
    clean: bool = False


BOXES = {
    regime.name: regime
    for regime in (
        BoxRegime("box", "10 x 10 cells, any neighbour opens", clean=True),
        BoxRegime("box_and", "all neighbours must be mastered", rule="and"),
        BoxRegime("box_useless", "two more directions without influence", useless=2),
        BoxRegime("box_blocked", "one cell in four never grows", blocked=0.25),
        BoxRegime("box_noise", "rewards with noise of deviation .3", noise=0.3),
    )
}


@dataclass(frozen=True)
class BoxProtocol:
    """How every box curriculum is run.

    A visit raises competence by `gain`; a cell at `mastered` unlocks its neighbours.
    """

    group_size: int = 4
    groups: int = 16
    budget: int = 25_600
    gain: float = 0.04
    mastered: float = 0.75
    solved: float = 0.5
    """Share of reachable cells whose mastery counts as solving the box."""


class Grid:
    """One seed's cells: competence in [0, 1] by cell, and which can ever be mastered."""

    def __init__(self, regime: BoxRegime, protocol: BoxProtocol, seed: int) -> None:
        generator = np.random.default_rng([seed, 2])
        self.regime, self.protocol = regime, protocol
        self.places = list(product(range(regime.cells), repeat=regime.dims))
        index = {place: i for i, place in enumerate(self.places)}
        self.below = [[index[cell] for cell in _below(place, regime.rule)] for place in self.places]
        self.blocked = generator.random(len(self.places)) < regime.blocked
        self.blocked[0] = False
        self.competence = np.zeros(len(self.places))
        self.reachable = self._reachable()

    def open(self, cell: int, mastered: np.ndarray) -> bool:
        """Whether a visit raises the cell, given which cells are mastered."""
        before = [bool(mastered[below]) for below in self.below[cell]]
        enough = any(before) if self.regime.rule == "or" else all(before)
        return not self.blocked[cell] and (cell == 0 or enough)

    def _reachable(self) -> np.ndarray:
        reached = np.zeros(len(self.places), dtype=bool)
        for cell in range(len(self.places)):  # neighbours below come first in this order
            reached[cell] = self.open(cell, reached)
        return reached

    def cell(self, params: Sequence[float]) -> int:
        """Cell of a point in [0, 1]^d; the first `dims` numbers count."""
        cells = self.regime.cells
        index = 0
        for number in params[: self.regime.dims]:
            index = index * cells + min(cells - 1, max(0, int(number * cells)))
        return index

    def visit(self, cell: int) -> bool:
        """Practise; whether it raised the cell."""
        grows = self.open(cell, self.competence >= self.protocol.mastered)
        if grows:
            self.competence[cell] = min(1.0, self.competence[cell] + self.protocol.gain)
        return grows

    def share(self) -> float:
        """Share of reachable cells that are mastered."""
        return float((self.competence[self.reachable] >= self.protocol.mastered).mean())

    def ready(self) -> list[tuple[float, ...]]:
        """Centres of open cells with something left to learn."""
        mastered = self.competence >= self.protocol.mastered
        spare = (0.5,) * self.regime.useless
        return [
            tuple((axis + 0.5) / self.regime.cells for axis in place) + spare
            for i, place in enumerate(self.places)
            if not mastered[i] and self.open(i, mastered)
        ]


def _below(place: tuple[int, ...], rule: str) -> list[tuple[int, ...]]:
    """Neighbours one step down in some directions, or in exactly one under the rule `and`."""
    steps = product((0, 1), repeat=len(place))
    chosen = [step for step in steps if sum(step) == 1 or (sum(step) > 1 and rule == "or")]
    below = [tuple(a - b for a, b in zip(place, step, strict=True)) for step in chosen]
    return [cell for cell in below if min(cell) >= 0]


def play_box(
    regime: BoxRegime, protocol: BoxProtocol, seeds: Sequence[int], build: Build
) -> list[SeedResult]:
    """A result per seed. Of its fields, `curve` and `tail` are shares of reachable cells mastered,
    `worst_skill` is the least competence of a reachable cell, `zero` counts visits to cells out
    of reach, `done` those to cells at 1, and `zero_variance` those that raised nothing."""
    return [BoxRun(regime, protocol, seed, build).play() for seed in seeds]


class BoxRun:
    """One curriculum on one seed's grid."""

    def __init__(self, regime: BoxRegime, protocol: BoxProtocol, seed: int, build: Build) -> None:
        self.seed, self.protocol = seed, protocol
        self.grid = Grid(regime, protocol, seed)
        self.size = regime.dims + regime.useless
        pool = BoxPool(low=(0.0,) * self.size, high=(1.0,) * self.size)
        self.teacher = build(pool, seed)
        check_needs(self.teacher)
        self.noise = np.random.default_rng([seed, 3])
        self.looks = [(0, 0.0)]
        self.visits = {"groups": 0, "zero": 0, "done": 0, "zero_variance": 0}
        self.spent = self.step = 0
        self.thought = 0.0

    def play(self) -> SeedResult:
        """Run until the budget is spent."""
        while self.spent < self.protocol.budget:
            self.step += 1
            if isinstance(self.teacher, BoxOracle):
                self.teacher.inform(self.grid.ready())
            start = perf_counter()
            choices = self.teacher.sample(self.protocol.groups)
            self.thought += perf_counter() - start
            outcomes = [Outcome(choice, self._visit(choice), self.step) for choice in choices]
            start = perf_counter()
            self.teacher.observe(outcomes)
            self.thought += perf_counter() - start
            self.spent += self.protocol.group_size * len(choices)
            self.looks.append((self.spent, self.grid.share()))
        return self.result()

    def _visit(self, choice: Choice) -> tuple[float, ...]:
        """Pass rates of one group, before what it teaches."""
        if choice.params is None or len(choice.params) != self.size:
            raise UserError(f"the box has {self.size} directions, a choice {choice.params}")
        grid, cell = self.grid, self.grid.cell(choice.params)
        drawn = self.noise.normal(0.0, 1.0, self.protocol.group_size)
        seen = np.clip(grid.competence[cell] + grid.regime.noise * drawn, 0.0, 1.0)
        self.visits["groups"] += 1
        self.visits["zero"] += not grid.reachable[cell]
        self.visits["done"] += bool(grid.competence[cell] >= 1.0)
        self.visits["zero_variance"] += not grid.visit(cell)
        return tuple(seen.tolist())

    def result(self) -> SeedResult:
        """What was measured so far."""
        at, shares = (np.array(column) for column in zip(*self.looks, strict=True))
        curve = np.interp(np.linspace(0, self.protocol.budget, POINTS), at, shares)
        solved = at[shares >= self.protocol.solved]
        groups = max(1, self.visits["groups"])
        return SeedResult(
            seed=self.seed,
            mastery=int(solved[0]) if solved.size else None,
            spent=self.spent,
            curve=tuple(round(float(value), 5) for value in curve),
            auc=float(curve.mean()),
            tail=float(shares[at >= 0.9 * at[-1]].mean()),
            retention=None,
            worst_skill=float(self.grid.competence[self.grid.reachable].min()),
            zero=self.visits["zero"] / groups,
            coin=0.0,
            done=self.visits["done"] / groups,
            zero_variance=self.visits["zero_variance"] / groups,
            microseconds=1e6 * self.thought / max(1, self.step),
        )
