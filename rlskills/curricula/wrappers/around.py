"""A curriculum around another one, `inner`, which it gets ready-made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from typing_extensions import override

from ...errors import UserError
from ...spec import Spec
from ..base import Base, normalised
from ..batch import Batch
from ..interface import Choice, Outcome
from ..methods.uniform import Uniform
from ..pool import Pool
from ..state import Array


class Around(Base):
    """Draws, learns and admits as `inner` does; a subclass changes one of these.

    `inner` is a curriculum over the same pool, by default `uniform`. In a spec it stands in
    parentheses: `dapo?inner=(sec?rate=0.3)&max_resamples=3`.
    """

    family = "wrapper"
    saved = ("inner",)

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        *,
        inner: Base | None = None,
        **options: Any,
    ) -> None:
        pool = Pool.of(pool)
        self.inner = Uniform(pool, seed) if inner is None else inner
        if self.inner.pool != pool:
            raise UserError(f"{self.name} and its inner {self.inner.name} have different pools")
        self.information, self.needs = self.inner.information, self.inner.needs
        self.timed, self.order_free = self.inner.timed, self.inner.order_free
        self.reaches_all, self.distinct = self.inner.reaches_all, self.inner.distinct
        self.max_resamples = self.inner.max_resamples
        super().__init__(pool, seed, **options)

    @property
    @override
    def spec(self) -> Spec:
        inner = self.inner.spec
        spec = super().spec
        return spec if inner == Spec(Uniform.name) else spec.replace(inner=inner)

    @override
    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "inner": str(self.inner.spec)}

    @override
    def over(self, pool: Pool | Sequence[str]) -> Self:
        return self.copied(pool, inner=self.inner.over(pool))

    @override
    def sample(self, k: int) -> list[Choice]:
        drawn = self.inner.sample(k)
        self.step = self.inner.step
        self.invalidate()
        return drawn

    @override
    def unit_probabilities(self) -> Array:
        return self.inner.unit_probabilities()

    @override
    def learn(self, batch: Batch) -> None:
        self.inner.learn(batch)
        self.inner.invalidate()

    @override
    def admit(self, outcome: Outcome) -> bool:
        return self.inner.admit(outcome)

    @override
    def by_unit(self) -> Mapping[str, Array]:
        return self.inner.by_unit()

    @override
    def metrics(self) -> Mapping[str, float]:
        return {**self.inner.metrics(), **super().metrics()}


class Reweighted(Around):
    """Independent draws in proportion to the probabilities of `inner` times a factor by unit."""

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        *,
        inner: Base | None = None,
        **options: Any,
    ) -> None:
        super().__init__(pool, seed, inner=inner, **options)
        self.distinct = False

    def factor(self) -> Array:
        """What the probabilities of `inner` are multiplied by."""
        raise NotImplementedError

    @override
    def sample(self, k: int) -> list[Choice]:
        return Base.sample(self, k)

    @override
    def unit_probabilities(self) -> Array:
        if self._probabilities is None:
            self._probabilities = normalised(self.inner.unit_probabilities() * self.factor())
        return self._probabilities

    @override
    def on_sample(self, chosen: Sequence[int]) -> None:
        super().on_sample(chosen)
        self.inner.on_sample(chosen)


def only(mask: Array) -> Array:
    """The factor that leaves only the units of a mask, or all where the mask has none."""
    return mask if mask.any() else np.ones(len(mask))
