"""What every method shares: options, checked outcomes, draws by weight, state, change of units.

A method of its own overrides `setup` (its attributes), `weights` (how much each unit is wanted) and
`learn` (what outcomes change), and lists its state in `rows` and `saved`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from ..errors import UserError
from ..spec import Registry, Spec, typed
from .batch import Batch
from .interface import Choice, Outcome
from .options import NoOptions
from .pool import Pool
from .reporting import Report, concentration
from .state import Array, Staged, Stateful, mapping


class Base(Stateful):
    """Independent draws with replacement, in proportion to `weights()`."""

    Options = NoOptions
    """A frozen dataclass with a method's options; a subclass defines its own inside."""

    name: str = ""
    version: ClassVar[int] = 1
    """Goes up whenever the same seed draws something else than before."""
    family: ClassVar[str] = "own"
    paper: ClassVar[str] = ""
    information: str = "none"
    needs: frozenset[str] = frozenset()
    max_resamples: int = 0
    """How many further batches a trainer may draw per step to replace groups not admitted."""
    timed: bool = False
    """Whether probabilities change from one `sample` to the next without an outcome."""
    order_free: bool = False
    """Whether the order of outcomes within one `observe` is without influence."""
    reaches_all: bool = False
    """Whether every unit always has a positive probability."""
    distinct: bool = False
    """Whether a batch holds different units (the best ones), instead of independent draws."""
    saved = ("step", "rng")

    options: Any
    """An instance of `Options`; a subclass narrows the type with a line `options: Options`."""

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if "name" not in vars(cls):
            cls.name = cls.__name__
        if taken := {field.name for field in fields(cls.Options)} & {"pool", "seed", "inner"}:
            raise UserError(f"{cls.name}: an option cannot be called {sorted(taken)[0]!r}")

    def __init__(self, pool: Pool | Sequence[str], seed: int = 0, **options: Any) -> None:
        self.options = self.Options(**typed(options, self.Options, self.name))
        self.pool = Pool.of(pool)
        self.units = self.keys = self.pool.units
        self.index = {unit: i for i, unit in enumerate(self.units)}
        self.rng = random.Random(seed)
        self.step = 0
        self._probabilities: Array | None = None
        self._cumulative: Array | None = None
        self._report: Report | None = None
        self.setup()

    # What a method says.

    def setup(self) -> None:
        """Make the attributes of a fresh curriculum from `options` and `pool`."""

    def weights(self) -> Array:
        """How much each unit is wanted; only ratios count, and all zero means all alike."""
        return np.ones(len(self.units))

    def learn(self, batch: Batch) -> None:
        """Update the state with checked outcomes."""

    def by_unit(self) -> Mapping[str, Array]:
        """Estimates of each unit, for the log: `competence`, `learning_progress`."""
        return {}

    def own_metrics(self) -> Mapping[str, float]:
        """Further numbers to log, under the same names at all times."""
        return {}

    def on_sample(self, chosen: Sequence[int]) -> None:
        """Units at these positions were drawn: the step counts on."""
        self.step += 1
        if self.timed:
            self.invalidate()

    def admit(self, outcome: Outcome) -> bool:
        """Whether this group may enter the loss."""
        return True

    # What a trainer calls.

    @property
    def spec(self) -> Spec:
        """What `make` needs to build it again: a name, and the options that are not default."""
        return Spec(CURRICULA.spec_of(type(self)), self.options.changed())

    def sample(self, k: int) -> list[Choice]:
        """`k` independent draws from `probabilities()`."""
        if k < 0:
            raise UserError(f"cannot sample {k} units")
        if k == 0:
            return []
        chosen = self.pick(k)
        self.on_sample(chosen)
        return self.choices(chosen)

    def choices(self, chosen: Sequence[int]) -> list[Choice]:
        """Choices of the units at these positions."""
        return [Choice(self.units[i]) for i in chosen]

    def pick(self, k: int) -> list[int]:
        """Positions of `k` units."""
        if self._cumulative is None:
            self._cumulative = np.cumsum(self.unit_probabilities())
        cumulative, draw = self._cumulative, self.rng.random
        points = np.array([draw() for _ in range(k)]) * cumulative[-1]
        return np.searchsorted(cumulative[:-1], points, side="right").tolist()

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Learn from outcomes, zero-variance groups too, in any order and with any delay."""
        batch = self.checked(outcomes)
        if len(batch):
            self.learn(batch)
            self.invalidate()

    def checked(self, outcomes: Sequence[Outcome]) -> Batch:
        """The outcomes as numbers; a `UserError` for an impossible one."""
        return Batch(outcomes, self.index)

    def unit_probabilities(self) -> Array:
        """`probabilities()` as an array in the order of `units`; not to be written to."""
        if self._probabilities is None:
            self._probabilities = normalised(self.weights())
        return self._probabilities

    def probabilities(self) -> Mapping[str, float]:
        """The probability of each unit in the next draw; they sum to 1."""
        return dict(zip(self.units, self.unit_probabilities().tolist(), strict=True))

    def metrics(self) -> Mapping[str, float]:
        """How concentrated the draws are, `by_unit` by level and skill, and `own_metrics`."""
        numbers = {**concentration(self.unit_probabilities()), **self.own_metrics()}
        for name, values in self.by_unit().items():
            numbers |= self.report.means(name, values)
        return numbers

    @property
    def report(self) -> Report:
        """The pool's levels and skills, for means over units."""
        if self._report is None:
            self._report = Report(self.pool)
        return self._report

    # State.

    def invalidate(self) -> None:
        """Forget probabilities that were worked out before."""
        self._probabilities = self._cumulative = None

    refresh = invalidate

    def settings(self) -> dict[str, Any]:
        """All options, as JSON has them."""
        return self.options.to_json()

    def about(self) -> dict[str, Any]:
        """What a state must agree on: method, version, pool and options."""
        return {
            "name": self.name,
            "version": self.version,
            "pool": self.pool.digest,
            "options": self.settings(),
        }

    @override
    def state_dict(self) -> dict[str, Any]:
        return self.about() | super().state_dict()

    @override
    def stage(self, state: Mapping[str, Any]) -> Staged:
        mapping(state)
        for name, mine in self.about().items():
            if state.get(name) != mine:
                raise UserError(
                    f"curriculum state has {name} {state.get(name)!r}, this curriculum {mine!r}"
                )
        return super().stage(state)

    def over(self, pool: Pool | Sequence[str]) -> Self:
        """A fresh curriculum with the same options over another pool."""
        return self.copied(pool)

    def copied(self, pool: Pool | Sequence[str], **rest: Any) -> Self:
        """The same class with the same options; `rest` are further arguments of its constructor."""
        options = {field.name: getattr(self.options, field.name) for field in fields(self.options)}
        return type(self)(pool, 0, **options, **rest)

    def resize(self, pool: Pool | Sequence[str]) -> None:
        """Go on with other units: those that stay keep what is known of them."""
        fresh = self.over(pool)
        fresh.transfer_state(self)
        vars(self).update(vars(fresh))


CURRICULA: Registry[Base] = Registry("curriculum", Base, "rlskills.curricula")
"""Curricula by name; `catalogue.py` fills it."""


def normalised(weights: Array) -> Array:
    """Weights as probabilities; all alike when none is positive."""
    total = weights.sum()
    if not total > 0:
        return np.full(len(weights), 1 / len(weights))
    return weights / total
