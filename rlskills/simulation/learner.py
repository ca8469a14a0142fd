"""The simulated learner: a policy of independent parts under exact policy gradient.

Each part c succeeds with probability q = σ(θ). A rollout of a task draws all its parts and
succeeds if all do; the verifier may err. A group moves every part of its task by
`rate · Σ_i A_i (z_ic − q_c) / n` with n the usual group size: the score-function gradient of a
product of Bernoullis under group-relative advantages (Shao et al., DeepSeekMath, 2024, eq. 3).
Groups of a step are summed, and every rollout weighs the same, as in a loss that averages over
tokens.

All seeds take a step together: state has a leading axis of seeds, and a step works on the flat list
of all groups of all seeds. Every seed draws from a generator of its own, so its course does not
depend on which other seeds run beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ..errors import UnknownName
from .regimes import Protocol, Regime
from .world import FIXED, Floats, Integers, World

Flags: TypeAlias = NDArray[np.bool_]

STILL = 1e-9
"""A change below this is rounding: the part was not moved."""


@dataclass(frozen=True)
class Rollouts:
    """G groups of at most N rollouts of tasks with at most K parts."""

    who: Integers
    """Row of the seed of each group; never decreases."""
    tasks: Integers
    sizes: Integers
    """Rollouts of each group; later columns are filler."""
    parts: Flags
    """Shape (G, N, K): which parts succeeded."""
    probabilities: Floats
    """Shape (G, K): with what probability."""
    rewards: Floats
    """Shape (G, N): what the verifier said, 0 in filler."""

    def take(self, keep: Flags) -> Rollouts:
        """Only the groups where `keep` holds."""
        return Rollouts(self.who[keep], self.tasks[keep], self.sizes[keep], self.parts[keep],
                        self.probabilities[keep], self.rewards[keep])  # fmt: skip


def advantages(rewards: Floats, sizes: Integers, kind: str = "std") -> Floats:
    """Advantages of groups, shape (G, N); 0 in zero-variance groups and in filler beyond `sizes`.

    `std`: (r − mean) / population std, so that mean |A| = 2 √(k(n−k)) / n for binary rewards with k
    of n right. `none`: r − mean (Dr.GRPO). `rloo`: against the mean of the others. `maxrl`:
    r / k − 1 / n times n, which weights hard tasks most.
    """
    if kind not in ADVANTAGES:
        raise UnknownName("advantage", kind, ADVANTAGES)
    counts = sizes[:, None].astype(np.float64)
    real = np.arange(rewards.shape[1]) < counts
    mean = rewards.sum(axis=1, keepdims=True) / counts
    centred = np.where(real, rewards - mean, 0.0)
    return centred * ADVANTAGES[kind](centred, mean, counts)


def _over_std(centred: Floats, mean: Floats, counts: Floats) -> Floats:
    std = np.sqrt((centred**2).sum(axis=1, keepdims=True) / counts)
    return np.divide(1.0, std, out=np.zeros_like(std), where=std > 0)


def _over_mean(centred: Floats, mean: Floats, counts: Floats) -> Floats:
    return np.divide(1.0, mean, out=np.zeros_like(mean), where=mean > 0)


ADVANTAGES: Mapping[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "std": _over_std,
    "none": lambda centred, mean, counts: np.ones_like(mean),
    "rloo": lambda centred, mean, counts: counts / np.maximum(counts - 1, 1),
    "maxrl": _over_mean,
}


class Learner:
    """S seeds of the simulated learner; worlds of one regime have the same shapes."""

    def __init__(
        self, regime: Regime, protocol: Protocol, worlds: Sequence[World], seeds: Sequence[int]
    ) -> None:
        self.regime, self.protocol = regime, protocol
        self.parts = np.stack([world.parts for world in worlds])
        self.kinds = worlds[0].kinds
        self.learnable = int((self.kinds == 0).sum())
        self.start = np.stack([world.start for world in worlds])
        self.plateaus = np.stack([world.plateaus for world in worlds])
        self.learning = self.start.shape[1]
        fixed = np.tile(FIXED, (len(worlds), 1))
        self.theta = np.concatenate([self.start, fixed], axis=1)
        own = self.parts < self.learning
        offsets = np.stack([world.offsets for world in worlds])
        self.offsets = np.where(own, offsets[:, :, None], 0.0)
        self.generators = [np.random.default_rng([seed, 1]) for seed in seeds]

    def logits(self) -> Floats:
        """Shape (S, parts): what success follows; under a plateau it lags behind θ."""
        if not self.regime.plateau:
            return self.theta
        gain = self.theta[:, : self.learning] - self.start
        late = np.minimum(gain, 0.1 * self.plateaus + 3 * (gain - self.plateaus))
        shown = np.where(gain <= 0, gain, np.maximum(0.1 * np.minimum(gain, self.plateaus), late))
        return np.concatenate([self.start + shown, self.theta[:, self.learning :]], axis=1)

    def true_rates(self, rows: Integers, tasks: int | None = None) -> Floats:
        """True success rates of seeds `rows`, of the first `tasks` tasks: shape (rows, tasks)."""
        parts = self.parts[rows, :tasks]
        logits = self.logits()[rows[:, None, None], parts] + self.offsets[rows, :tasks]
        return expit(logits).prod(axis=2)

    def rollout(
        self, who: Integers, tasks: Integers, sizes: Integers, problems: Integers | None = None
    ) -> Rollouts:
        """Roll out groups; `who` must be sorted. A seed's draws depend on its own groups only.

        All problems of a task are alike here, so `problems` are without influence.
        """
        parts = self.parts[who, tasks]
        probabilities = expit(self.logits()[who[:, None], parts] + self.offsets[who, tasks])
        draws = self._draws(who, sizes, parts.shape[1] + 1)
        succeeded = draws[:, :, :-1] < probabilities[:, None, :]
        rewards = succeeded.all(axis=2)
        if self.regime.false_positive or self.regime.false_negative:
            noise = draws[:, :, -1]
            right = noise >= self.regime.false_negative
            rewards = np.where(rewards, right, noise < self.regime.false_positive)
        real = np.arange(rewards.shape[1]) < sizes[:, None]
        shown = (rewards & real).astype(np.float64)
        return Rollouts(who, tasks, sizes, succeeded, probabilities, shown)

    def _draws(self, who: Integers, sizes: Integers, width: int) -> NDArray[np.float32]:
        draws = np.ones((len(who), int(sizes.max(initial=0)), width), dtype=np.float32)
        rows, starts = np.unique(who, return_index=True)
        for row, first, end in zip(rows, starts, [*starts[1:], len(who)], strict=True):
            size = int(sizes[first:end].max())
            shape = (end - first, size, width)
            draws[first:end, :size] = self.generators[row].random(shape, dtype=np.float32)
        return draws

    def update(self, groups: Sequence[Rollouts], rows: Integers, spent: Integers) -> None:
        """One step of seeds `rows` on admitted `groups`; `spent` rollouts each pass meanwhile."""
        change = np.zeros_like(self.theta)
        for rollouts in groups:
            change += self._gradient(rollouts)
        change = self.protocol.rate * change[:, : self.learning]
        own = self.theta[:, : self.learning]
        if self.regime.forgetting:
            kept = np.ones((len(own), 1))
            kept[rows, 0] = (1 - self.regime.forgetting) ** (spent / 64)
            relaxed = self.start + (own - self.start) * kept
            own[...] = np.where(np.abs(change) < STILL, relaxed, own)
        own += change
        np.clip(own, -self.protocol.clip, self.protocol.clip, out=own)

    def _gradient(self, groups: Rollouts) -> Floats:
        """Σ over groups and rollouts of A (z − q) / n, shape (S, parts)."""
        right = groups.rewards.sum(axis=1)
        live = groups.take((right > 0) & (right < groups.sizes))
        weights = advantages(live.rewards, live.sizes, self.protocol.advantage)
        weights /= self.protocol.group_size
        moved = np.einsum("gn,gnk->gk", weights, live.parts)
        moved -= weights.sum(axis=1, keepdims=True) * live.probabilities
        width = self.theta.shape[1]
        where = self.parts[live.who, live.tasks] + width * live.who[:, None]
        total = np.bincount(where.ravel(), moved.ravel(), minlength=self.theta.size)
        return total.astype(np.float64).reshape(self.theta.shape)

    def state_dict(self) -> dict[str, Any]:
        """Logits and generators, JSON-safe."""
        return {
            "theta": self.theta[:, : self.learning].tolist(),
            "generators": [generator.bit_generator.state for generator in self.generators],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict` of the same regime, protocol and seeds."""
        self.theta[:, : self.learning] = state["theta"]
        for generator, saved in zip(self.generators, state["generators"], strict=True):
            generator.bit_generator.state = saved
