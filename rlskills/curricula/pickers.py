"""From numbers by unit to units: softmax, ranks, greedy with exploration, the best k, rounding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from typing_extensions import override

from ..environments import seed_from
from .base import Base
from .pool import Pool
from .state import Array, IntArray


def softmax(scores: Array, temperature: float) -> Array:
    """Probabilities in proportion to exp(score / temperature)."""
    raised = np.exp((scores - scores.max()) / temperature)
    return raised / raised.sum()


def greedy(scores: Array, epsilon: float) -> Array:
    """The best unit (ties share), and all units alike with probability `epsilon`."""
    best = scores == scores.max()
    return best * ((1 - epsilon) / best.sum()) + epsilon / len(scores)


def mixed(weights: Array, epsilon: float) -> Array:
    """In proportion to weights, and all units alike with probability `epsilon`."""
    total = weights.sum()
    if not total > 0:
        return np.full(len(weights), 1 / len(weights))
    return weights * ((1 - epsilon) / total) + epsilon / len(weights)


def ranked(scores: Array, ordered: Array, beta: float) -> Array:
    """Weights (1 / rank)^(1 / beta); the highest score has rank 1, equal scores share a rank.

    `ordered` are the same scores in rising order.
    """
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))  # of each value
    weights = (1.0 / (len(ordered) - last)) ** (1 / beta)
    return weights[np.searchsorted(ordered[last], scores)]


def reordered(ordered: Array, old: Array, new: Array) -> Array:
    """Numbers in rising order, without those of `old`, which are among them, and with `new`."""
    old = np.sort(old)
    repeats = np.arange(len(old)) - np.searchsorted(old, old)
    left = np.delete(ordered, np.searchsorted(ordered, old) + repeats)
    new = np.sort(new)
    return np.insert(left, np.searchsorted(left, new), new)


def best(scores: Array, k: int, noise: np.random.Generator) -> IntArray:
    """Positions of the `k` highest scores, ties drawn by lot; all of them when k is larger."""
    number = len(scores)
    if k >= number:
        return noise.permutation(number)
    bar = np.partition(scores, number - k)[number - k]
    sure = np.flatnonzero(scores > bar)
    tied = np.flatnonzero(scores == bar)
    if len(sure) + len(tied) > k:
        tied = noise.choice(tied, k - len(sure), replace=False, shuffle=False)
    return np.concatenate([sure, tied])


class Best(Base):
    """Batches of different units: those with the highest scores, which may be drawn by lot.

    `probabilities` is what this means for the next batch of the same size as the last one: the
    expected share of each unit, over simulated batches when scores are drawn by lot. They come from
    a generator of their own, so asking changes nothing. A batch larger than the pool starts over
    when all units are in it.
    """

    distinct = True
    simulations = 64
    """Batches simulated for `probabilities`; 1 is enough where only ties are drawn."""
    saved = ("noise", "batch")

    def __init__(self, pool: Pool | Sequence[str], seed: int = 0, **options: Any) -> None:
        self.noise = np.random.Generator(np.random.PCG64(seed))
        self.batch = 1
        super().__init__(pool, seed, **options)

    def scores(self, noise: np.random.Generator, k: int) -> Array | tuple[IntArray, Array]:
        """Scores of all units for a batch of k, or of some candidates with their positions."""
        raise NotImplementedError

    def select(self, noise: np.random.Generator, k: int) -> list[int]:
        """A batch of k positions."""
        chosen: list[int] = []
        while len(chosen) < k:
            wanted = min(k - len(chosen), len(self.units))
            scores = self.scores(noise, wanted)
            if isinstance(scores, tuple):
                where, scores = scores
                chosen += where[best(scores, wanted, noise)].tolist()
            else:
                chosen += best(scores, wanted, noise).tolist()
        return chosen

    @override
    def pick(self, k: int) -> list[int]:
        if k != self.batch:
            self.batch = k
            self.invalidate()
        return self.select(self.noise, k)

    @override
    def unit_probabilities(self) -> Array:
        if self._probabilities is None:
            noise = np.random.Generator(np.random.PCG64(seed_from("simulated", self.step)))
            drawn = [self.select(noise, self.batch) for _ in range(self.simulations)]
            counts = np.bincount(np.array(drawn).ravel(), minlength=len(self.units))
            self._probabilities = np.asarray(counts / counts.sum(), dtype=float)
        return self._probabilities


def gumbel(weights: Array, noise: np.random.Generator) -> Array:
    """Scores whose best k are k draws without replacement in proportion to `weights`."""
    with np.errstate(divide="ignore"):
        return np.log(weights) + noise.gumbel(size=len(weights))


def candidates(number: int, wanted: int, noise: np.random.Generator) -> IntArray:
    """About `wanted` different positions below `number` by lot, in order; all when few remain."""
    if wanted >= number:
        return np.arange(number)
    if 4 * wanted < number:
        return np.unique(noise.integers(0, number, wanted))
    return np.sort(noise.permutation(number)[:wanted])


def allocate(spread: Array, budget: int, low: int, high: int) -> IntArray:
    """Whole numbers of rollouts in [low, high], in proportion to `spread`, that sum to `budget`.

    Neyman's allocation: with a fixed number of samples, the variance of a stratified mean is least
    when each stratum gets samples in proportion to its deviation. What the bounds take or leave is
    shared among the others; a budget that the bounds do not allow is met as nearly as they do.
    """
    budget = min(max(budget, low * len(spread)), high * len(spread))
    shares = np.maximum(spread, 1e-9)
    number = np.full(len(shares), float(low))
    free = np.ones(len(shares), dtype=bool)
    left = float(budget)
    while free.any():
        wish = shares * left / shares[free].sum()
        over, under = free & (wish > high), free & (wish < low)
        if not (over | under).any():
            number[free] = wish[free]
            break
        # Only the side that is further out is settled; what it takes or leaves may suit the other.
        above = (wish[over] - high).sum() >= (low - wish[under]).sum()
        fixed, bound = (over, high) if above else (under, low)
        number[fixed] = bound
        left -= bound * fixed.sum()
        free &= ~fixed
    whole = np.floor(number + 1e-9)
    rest = number - whole
    whole[np.argsort(-rest, kind="stable")[: budget - int(whole.sum())]] += 1
    return whole.astype(np.int64)
