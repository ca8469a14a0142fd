"""What every method shares: checked outcomes, draws by weight, state, change of units.

A method of its own overrides `weights` (how much each unit is wanted) and `learn` (what outcomes
change), and lists its attributes in `rows` and `saved`.
"""

from __future__ import annotations

import inspect
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..errors import UserError
from .batch import Batch
from .interface import Choice, Outcome
from .pool import Pool
from .reporting import Report, concentration
from .state import Array, Staged, Stateful, mapping


class Base(Stateful):
    """Independent draws with replacement, in proportion to `weights()`."""

    name: str = ""
    version: ClassVar[int] = 1
    family: ClassVar[str] = "own"
    paper: ClassVar[str] = ""
    information: str = "none"
    needs: frozenset[str] = frozenset()
    refill: int = 0
    """How many further batches a trainer may draw in a step to replace groups not admitted."""
    timed: bool = False
    """Whether chances change from one `sample` to the next without an outcome."""
    order_free: bool = False
    """Whether the order of outcomes within one `observe` is without influence."""
    reaches_all: bool = False
    """Whether every unit always has a chance."""
    distinct: bool = False
    """Whether a batch holds different units (the best ones), instead of independent draws."""
    saved = ("step", "rng")

    options: dict[str, Any]
    """The arguments behind pool and seed; a state is continued only under the same."""

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if "name" not in vars(cls):
            cls.name = cls.__name__

    def __new__(cls, *args: Any, **given: Any) -> Any:
        """Note the options, so that no method has to."""
        self = super().__new__(cls)
        if not (args or given):  # a copy, whose options come with its state
            return self
        bound = inspect.signature(cls.__init__).bind(self, *args, **given)
        bound.apply_defaults()
        self.options = {k: v for k, v in list(bound.arguments.items())[3:] if k != "args"}
        return self

    def __init__(self, pool: Pool | Sequence[str], seed: int = 0) -> None:
        self.pool = Pool.of(pool)
        self.units = self.keys = self.pool.units
        self.index = {unit: i for i, unit in enumerate(self.units)}
        self.rng = random.Random(seed)
        self.step = 0
        self._chances: Array | None = None
        self._cumulative: Array | None = None
        self._report: Report | None = None

    # What a method says.

    def weights(self) -> Array:
        """How much each unit is wanted; only ratios count, and all zero means all alike."""
        return np.ones(len(self.units))

    def learn(self, batch: Batch) -> None:
        """Take in checked outcomes."""

    def by_unit(self) -> Mapping[str, Array]:
        """What is believed of each unit, for the log: `competence`, `learning_progress`."""
        return {}

    def admit(self, outcome: Outcome) -> bool:
        """Every group may enter the loss."""
        return True

    # What a trainer calls.

    def sample(self, k: int) -> list[Choice]:
        """`k` independent draws from `probabilities()`."""
        if k < 0:
            raise UserError(f"cannot sample {k} units")
        if k == 0:
            return []
        chosen, prob = self.pick(k)
        self.noted(chosen)
        return self.choices(chosen, prob)

    def noted(self, chosen: Sequence[int]) -> None:
        """These positions are drawn: the step counts on."""
        self.step += 1
        if self.timed:
            self.changed()

    def choices(self, chosen: Sequence[int], prob: Sequence[float]) -> list[Choice]:
        """Choices of this step by position and chance."""
        units, step = self.units, self.step
        return [Choice(units[i], p, step) for i, p in zip(chosen, prob, strict=True)]

    def pick(self, k: int) -> tuple[list[int], list[float]]:
        """Positions of `k` units, and the chance with which each was drawn."""
        chances = self.chances()
        if self._cumulative is None:
            self._cumulative = np.cumsum(chances)
        cumulative, draw = self._cumulative, self.rng.random
        points = np.array([draw() for _ in range(k)]) * cumulative[-1]
        chosen = np.searchsorted(cumulative[:-1], points, side="right")
        return chosen.tolist(), chances[chosen].tolist()

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Learn from outcomes, dead ones too, in any order and with any delay."""
        batch = self.checked(outcomes)
        if len(batch):
            self.learn(batch)
            self.changed()

    def checked(self, outcomes: Sequence[Outcome]) -> Batch:
        """The outcomes as numbers; a `UserError` for an impossible one."""
        return Batch(outcomes, self.index)

    def chances(self) -> Array:
        """`probabilities()` as an array in the order of `units`; not to be written to."""
        if self._chances is None:
            self._chances = normalised(self.weights())
        return self._chances

    def probabilities(self) -> Mapping[str, float]:
        """The chance of each unit in the next draw; they sum to 1."""
        return dict(zip(self.units, self.chances().tolist(), strict=True))

    def metrics(self) -> Mapping[str, float]:
        """Chances by unit (of few), level and skill, their concentration, and `by_unit` in sums.

        Names: `probability/UNIT`, `probability/level/1`, `probability/skill/NAME`, and so on.
        """
        if self._report is None:
            self._report = Report(self.pool)
        chances = self.chances()
        told = {**concentration(chances), **self._report.shares("probability", chances)}
        for name, values in self.by_unit().items():
            told |= self._report.means(name, values)
        return told

    # State.

    def changed(self) -> None:
        """Forget chances that were worked out before."""
        self._chances = self._cumulative = None

    refresh = changed

    def about(self) -> dict[str, Any]:
        """What a state must agree on: method, version, pool and options."""
        return {
            "name": self.name,
            "version": self.version,
            "pool": self.pool.digest,
            "options": json.loads(json.dumps(self.options, default=dict)),
        }

    def state_dict(self) -> dict[str, Any]:
        """All state, JSON-safe, with what it belongs to."""
        return self.about() | super().state_dict()

    def stage(self, state: Mapping[str, Any]) -> Staged:
        """Refuses the state of another method, version, pool or options."""
        mapping(state)
        for field, mine in self.about().items():
            if state.get(field) != mine:
                raise UserError(
                    f"curriculum state has {field} {state.get(field)!r}, this curriculum {mine!r}"
                )
        return super().stage(state)

    def resize(self, pool: Pool | Sequence[str]) -> None:
        """Go on with other units: those that stay keep what is known of them."""
        fresh = type(self)(pool, 0, **self.options)
        fresh.adopt(self)
        vars(self).update(vars(fresh))


def normalised(weights: Array) -> Array:
    """Weights as chances; all alike when none is positive."""
    total = weights.sum()
    if not total > 0:
        return np.full(len(weights), 1 / len(weights))
    return weights / total
