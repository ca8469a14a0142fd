"""ALP-GMM and Covar-GMM: Gaussians where learning progress is high, over a box of parameters.

Portelas, Colas, Hofmann and Oudeyer 2019, "Teacher algorithms for curriculum learning of Deep RL in
continuously parameterized environments", arXiv 1910.07224. Covar-GMM after Moulin-Frier, Nguyen and
Oudeyer 2014, "Self-organization of early vocal development in infants and machines: the role of
intrinsic motivation", Frontiers in Psychology 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..boxes import BoxTeacher
from ..pickers import mixed, softmax
from ..pool import Pool
from ..signals.gmm import best_fit, log_densities
from ..state import Array


class GMMTeacher(BoxTeacher):
    """What both share: the first `window` groups uniformly, then a new fit after each `window`."""

    reaches_all = True
    saved = ("recent", "utility", "means", "covariances")

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        window: int = 250,
        most: int = 10,
        epsilon: float = 0.2,
    ) -> None:
        super().__init__(pool, seed)
        checks.inside(epsilon=epsilon)
        if window < 2 * most:
            checks.positive(**{"window minus twice the most Gaussians": window - 2 * most + 1})
        checks.positive(**{"number of Gaussians beyond 1": most - 1})
        self.window, self.most, self.epsilon = window, most, epsilon
        self.recent: list[list[float]] = []
        self.utility: list[float] = []
        self.means: list[list[float]] = []
        self.covariances: list[list[list[float]]] = []
        self._wanted: Array | None = None

    def table(self, recent: Array) -> Array:
        """What is fitted: columns behind those of the place are the method's own."""
        return recent

    def useful(self, means: Array, covariances: Array) -> Array:
        """How much each Gaussian is wanted."""
        raise NotImplementedError

    def signal(self, where: Array, rewards: Array) -> Array:
        """What is remembered of each task beside its place."""
        return rewards

    def take(self, where: Array, rewards: Array) -> None:
        """Remember, and fit anew when a window is full."""
        for row in np.column_stack([where, self.signal(where, rewards)]).tolist():
            self.recent.append(row)
            if len(self.recent) >= self.window:
                self._fit()
                self.recent = []

    def _fit(self) -> None:
        size = self.points.shape[1]
        found = best_fit(self.table(np.array(self.recent)), self.most, self.noise)
        utility = np.maximum(self.useful(found.means, found.covariances), 0.0)
        self.utility = utility.tolist()
        self.means = found.means[:, :size].tolist()
        self.covariances = found.covariances[:, :size, :size].tolist()
        self._wanted = None

    def draw(self, k: int) -> Array:
        """Gaussians by utility, some draws uniformly."""
        places = super().draw(k)
        if not self.utility:
            return places
        chances = mixed(np.array(self.utility), 0.0)
        means, roots = np.array(self.means), np.linalg.cholesky(np.array(self.covariances))
        which = np.searchsorted(np.cumsum(chances)[:-1], self.noise.random(k), side="right")
        steps = np.einsum("kij,kj->ki", roots[which], self.noise.standard_normal(places.shape))
        uniform = self.noise.random(k) < self.epsilon
        return np.where(uniform[:, None], places, means[which] + steps)

    def weights(self) -> Array:
        """Over units: each Gaussian restricted to their points, some draws uniformly."""
        if self.box or not self.utility:
            return np.ones(len(self.units))
        if self._wanted is not None:
            return self._wanted
        logs = log_densities(self.points, np.array(self.means), np.array(self.covariances))
        chances = mixed(np.array(self.utility), 0.0)
        wanted = sum(share * softmax(row, 1.0) for share, row in zip(chances, logs, strict=True))
        self._wanted = mixed(np.asarray(wanted), self.epsilon)
        return self._wanted

    def refresh(self) -> None:
        """Weights follow from the Gaussians."""
        self._wanted = None
        self.changed()

    def metrics(self) -> Mapping[str, float]:
        """Also the number of Gaussians and their mean utility."""
        mean = sum(self.utility) / max(len(self.utility), 1)
        return {**super().metrics(), "gaussians": float(len(self.utility)), "utility": mean}


class ALPGMM(GMMTeacher):
    """ALP-GMM: absolute learning progress against the nearest earlier task.

    ALP of a task is |its group's mean reward - that of the nearest task among the last `memory`|
    (the original remembers all), 0 while fewer than 5 are known. Every `window` groups, mixtures of
    2 to `most` Gaussians are fitted to the last (place, ALP) and the best by AIC is kept. A
    Gaussian is drawn in proportion to its mean ALP, then a point of it; `epsilon` of the draws are
    uniform.
    """

    name = "alp_gmm"
    paper = "Portelas et al. 2019, arXiv 1910.07224"
    saved = ("memory", "remembered")

    def __init__(
        self,
        pool: Pool | Sequence[str],
        seed: int = 0,
        window: int = 250,
        most: int = 10,
        epsilon: float = 0.2,
        memory: int = 2500,
    ) -> None:
        super().__init__(pool, seed, window, most, epsilon)
        checks.positive(memory=memory)
        self.memory = np.zeros((memory, self.points.shape[1] + 1))
        self.remembered = 0

    def signal(self, where: Array, rewards: Array) -> Array:
        """ALP against what was known before this step; then this is known too."""
        size = len(self.memory)
        progress = np.zeros(len(where))
        if self.remembered >= 5:
            known = self.memory[: self.remembered]
            places = known[:, :-1]
            distance = (places**2).sum(1) - 2 * where @ places.T
            progress = np.abs(rewards - known[distance.argmin(1), -1])
        news = np.column_stack([where, rewards])[-size:]
        self.memory[(self.remembered + np.arange(len(news))) % size] = news
        self.remembered += len(news)
        return progress

    def useful(self, means: Array, covariances: Array) -> Array:
        """Mean ALP."""
        return means[:, -1]


class CovarGMM(GMMTeacher):
    """Covar-GMM: Gaussians over place, time and reward, wanted by the covariance of the last two.

    Time runs from 0 to 1 within the window; a Gaussian whose reward rises with time is wanted in
    proportion to that covariance, one whose reward falls not at all.
    """

    name = "covar_gmm"
    paper = "Moulin-Frier et al. 2014; Portelas et al. 2019, arXiv 1910.07224"

    def table(self, recent: Array) -> Array:
        """Time before the reward."""
        time = np.linspace(0, 1, len(recent))
        return np.column_stack([recent[:, :-1], time, recent[:, -1]])

    def useful(self, means: Array, covariances: Array) -> Array:
        """Covariance of time and reward."""
        return covariances[:, -2, -1]
