"""ALP-GMM and Covar-GMM: Gaussians where learning progress is high, over a box of parameters.

Portelas, Colas, Hofmann and Oudeyer 2019, "Teacher algorithms for curriculum learning of Deep RL in
continuously parameterized environments", arXiv 1910.07224. Covar-GMM after Moulin-Frier, Nguyen and
Oudeyer 2014, "Self-organization of early vocal development in infants and machines: the role of
intrinsic motivation", Frontiers in Psychology 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from ...errors import UserError
from ..base import Base
from ..boxes import BoxTeacher
from ..options import at_least, inside, positive
from ..pickers import mixed, softmax
from ..signals.gmm import best_fit, log_densities
from ..state import Array


class GMMTeacher(BoxTeacher):
    """What both share: the first `window` groups uniformly, then a new fit after each `window`."""

    version = 2
    reaches_all = True
    saved = ("recent", "utility", "means", "covariances")

    @dataclass(frozen=True)
    class Options(Base.Options):
        window: int = positive(250)
        """Groups between two fits."""
        most: int = at_least(2, 10)
        """Largest number of Gaussians that is tried."""
        epsilon: float = inside(0.2)
        """Share of the draws that is uniform."""

        @override
        def __post_init__(self) -> None:
            super().__post_init__()
            if self.window < 2 * self.most:
                raise UserError(f"window must be at least twice most, but is {self.window}")

    options: Options

    @override
    def setup(self) -> None:
        self.recent: list[list[float]] = []
        self.utility: list[float] = []
        self.means: list[list[float]] = []
        self.covariances: list[list[list[float]]] = []
        self._wanted: Array | None = None

    def table(self, recent: Array) -> Array:
        """Rows to fit: the coordinates of a point, then columns of the method's own."""
        return recent

    def useful(self, means: Array, covariances: Array) -> Array:
        """How much each Gaussian is wanted."""
        raise NotImplementedError

    def signal(self, points: Array, rates: Array) -> Array:
        """What is stored of each task beside its point."""
        return rates

    @override
    def learn_points(self, points: Array, rates: Array) -> None:
        for row in np.column_stack([points, self.signal(points, rates)]).tolist():
            self.recent.append(row)
            if len(self.recent) >= self.options.window:
                self._fit()
                self.recent = []

    def _fit(self) -> None:
        size = self.points.shape[1]
        mixture = best_fit(self.table(np.array(self.recent)), self.options.most, self.noise)
        utility = np.maximum(self.useful(mixture.means, mixture.covariances), 0.0)
        self.utility = utility.tolist()
        self.means = mixture.means[:, :size].tolist()
        self.covariances = mixture.covariances[:, :size, :size].tolist()
        self._wanted = None

    @override
    def draw(self, k: int) -> Array:
        points = super().draw(k)
        if not self.utility:
            return points
        shares = mixed(np.array(self.utility), 0.0)
        means, roots = np.array(self.means), np.linalg.cholesky(np.array(self.covariances))
        which = np.searchsorted(np.cumsum(shares)[:-1], self.noise.random(k), side="right")
        steps = np.einsum("kij,kj->ki", roots[which], self.noise.standard_normal(points.shape))
        uniform = self.noise.random(k) < self.options.epsilon
        return np.where(uniform[:, None], points, means[which] + steps)

    @override
    def weights(self) -> Array:
        # Each Gaussian restricted to the points of the units.
        if self.box or not self.utility:
            return np.ones(len(self.units))
        if self._wanted is not None:
            return self._wanted
        logs = log_densities(self.points, np.array(self.means), np.array(self.covariances))
        shares = mixed(np.array(self.utility), 0.0)
        wanted = sum(share * softmax(row, 1.0) for share, row in zip(shares, logs, strict=True))
        self._wanted = mixed(np.asarray(wanted), self.options.epsilon)
        return self._wanted

    @override
    def refresh(self) -> None:
        self._wanted = None
        self.invalidate()

    @override
    def own_metrics(self) -> Mapping[str, float]:
        mean = sum(self.utility) / max(len(self.utility), 1)
        return {"gaussians": float(len(self.utility)), "utility": mean}


class ALPGMM(GMMTeacher):
    """ALP-GMM: absolute learning progress against the nearest earlier task.

    ALP of a task is |its mean pass rate - that of the nearest task among the last `memory`| (the
    original remembers all), 0 while fewer than 5 are known. Every `window` groups, mixtures of
    2 to `most` Gaussians are fitted to the last (point, ALP) and the best by AIC is kept. A
    Gaussian is drawn in proportion to its mean ALP, then a point of it; `epsilon` of the draws are
    uniform.
    """

    name = "alp_gmm"
    paper = "Portelas et al. 2019, arXiv 1910.07224"
    saved = ("memory", "remembered")

    @dataclass(frozen=True)
    class Options(GMMTeacher.Options):
        memory: int = positive(2500)
        """Tasks that are remembered for the comparison with the nearest."""

    options: Options  # pyright: ignore[reportIncompatibleVariableOverride]

    @override
    def setup(self) -> None:
        super().setup()
        self.memory = np.zeros((self.options.memory, self.points.shape[1] + 1))
        self.remembered = 0

    @override
    def signal(self, points: Array, rates: Array) -> Array:
        size = len(self.memory)
        progress = np.zeros(len(points))
        if self.remembered >= 5:  # compared with what was known before this step
            known = self.memory[: self.remembered]
            coordinates = known[:, :-1]
            distance = (coordinates**2).sum(1) - 2 * points @ coordinates.T
            progress = np.abs(rates - known[distance.argmin(1), -1])
        news = np.column_stack([points, rates])[-size:]
        self.memory[(self.remembered + np.arange(len(news))) % size] = news
        self.remembered += len(news)
        return progress

    @override
    def useful(self, means: Array, covariances: Array) -> Array:
        return means[:, -1]


class CovarGMM(GMMTeacher):
    """Covar-GMM: Gaussians over point, time and pass rate, by the covariance of the last two.

    Time runs from 0 to 1 within the window; a Gaussian whose pass rate rises with time is wanted
    in proportion to that covariance, a Gaussian whose pass rate falls not at all.
    """

    name = "covar_gmm"
    paper = "Moulin-Frier et al. 2014; Portelas et al. 2019, arXiv 1910.07224"

    @override
    def table(self, recent: Array) -> Array:
        time = np.linspace(0, 1, len(recent))
        return np.column_stack([recent[:, :-1], time, recent[:, -1]])

    @override
    def useful(self, means: Array, covariances: Array) -> Array:
        return covariances[:, -2, -1]
