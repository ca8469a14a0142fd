"""Pass@k: the chance that the best of k completions is right, instead of that of one.

With n completions of which c are right, 1 - C(n-c, k) / C(n, k) estimates pass@k without bias. Its
gradient is a sum of s(i) * grad log pi(i), where over the k-subsets I that hold i

    plain   s(i) = sum of max(I) / C(n, k):
            right k/n, wrong (k/n) * (1 - C(n-1-c, k-1) / C(n-1, k-1))
    loo     s(i) = sum of (max(I) - max(I without i)) / C(n, k):
            right (k/n) * C(n-c, k-1) / C(n-1, k-1), wrong 0

(Walder and Karkhanis 2025, "Pass@K Policy Optimization", arXiv 2505.15201 (v5); `loo` is their
recommended baseline, and with k = n that of Tang et al. 2025, arXiv 2503.19595). The losses are
means over completions, so advantages are n * s. `analytic` standardises over all subsets (Z. Chen
et al. 2025, "Pass@k Training", arXiv 2508.10751), with R the estimate of pass@k:

    right (1 - R) / sd, wrong (1 - R - C(n-c-1, k-1) / C(n-1, k-1)) / sd, sd = sqrt(R * (1 - R))

Right means `correct`. All wrong: 0. All right: 0 (`plain`: k); from c > n - k on `analytic` is 0,
and from c > n - k + 1 `loo` is, hence `anneal`. Truncated: wrong. Ungraded: 0, not in n.

This project's own: k falls in a line and is rounded; where a group is smaller than k, k is its
size; at k = 1 `loo`, whose baseline would be nothing, takes the mean of the others (RLOO).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt
from typing import Literal

from ...errors import UserError
from ..batch import Rollout, RolloutBatch
from .treatment import TREATMENTS, Treatment


@TREATMENTS.register("pass_k")
class PassK(Treatment):
    """The gradient of pass@k: lone right completions of a group weigh more than one of many."""

    paper = "Walder and Karkhanis 2025, arXiv 2505.15201"
    sets_credit = True

    @dataclass(frozen=True)
    class Options(Treatment.Options):
        """Of how many completions the best counts."""

        k: int = 4
        """Completions of which the best counts; the group's size, where that is smaller."""
        estimator: Literal["loo", "plain", "analytic"] = "loo"
        """With the best of the others as a baseline, without one, or standardised."""
        anneal: int = 0
        """Updates over which k falls to 1; 0: it stays."""

        def __post_init__(self) -> None:
            if self.k < 1:
                raise UserError(f"pass_k: k must be at least 1, not {self.k}")
            if self.anneal < 0:
                raise UserError(f"pass_k: anneal must not be negative: {self.anneal}")

    def setup(self) -> None:
        """No round yet."""
        self._k = self.options.k

    def credit(self, batch: RolloutBatch) -> None:
        """Of the completions that were graded; others have no advantage."""
        self._k = self._at(batch.step)
        for group in batch.groups():
            graded = [rollout for rollout in group if not rollout.score.failed]
            for rollout in group:
                rollout.credit(0.0)
            right = [float(rollout.score.correct) for rollout in graded]
            found = advantages(right, min(self._k, len(graded)), self.options.estimator)
            for rollout, value in zip(graded, found, strict=True):
                rollout.credit(value)

    def select(self, batch: RolloutBatch) -> None:
        """Groups without any advantage have nothing to teach."""
        for group in batch.groups():
            if not any(Rollout.advantages.any(rollout) for rollout in group):
                for rollout in group:
                    rollout.skip()

    def metrics(self) -> dict[str, float]:
        """The k of the round."""
        return {"k": float(self._k)}

    def _at(self, step: int) -> int:
        done = min(1.0, step / self.options.anneal) if self.options.anneal else 0.0
        return round(self.options.k - (self.options.k - 1) * done)


def advantages(right: Sequence[float], k: int, estimator: str) -> list[float]:
    """Of a group of completions, 1 for each that is right."""
    n, c = len(right), sum(right)
    if estimator == "analytic":
        good, bad = analytic(n, round(c), k)
        return [good if value else bad for value in right]
    if estimator == "loo" and k == 1:
        return [value - (c - value) / (n - 1) if n > 1 else 0.0 for value in right]
    return [n * weight for weight in weights(right, k, estimator == "loo")]


def weights(values: Sequence[float], k: int, baseline: bool) -> list[float]:
    """s of every completion, for the largest of k values; with the others' largest as a baseline.

    Sorted, the number of subsets in which a value is the largest is a binomial coefficient.
    """
    n = len(values)
    order = sorted(range(n), key=lambda i: values[i])
    ranked, found = [values[i] for i in order], [0.0] * n
    for at, i in enumerate(order):
        total = comb(at, k - 1) * ranked[at]
        if k > 1 and baseline:
            total -= sum(comb(j, k - 2) * ranked[j] for j in range(at))
        elif k > 1:
            total += sum(comb(j - 1, k - 2) * ranked[j] for j in range(at + 1, n))
        found[i] = total / comb(n, k)
    return found


def analytic(n: int, c: int, k: int) -> tuple[float, float]:
    """Standardised advantages of right and wrong completions, when `c` of `n` are right."""
    if not n:
        return 0.0, 0.0
    fail = comb(n - c, k) / comb(n, k)
    deviation = sqrt(fail * (1 - fail)) + 1e-6
    others = comb(max(0, n - c - 1), k - 1) / comb(n - 1, k - 1)
    return (fail / deviation if c else 0.0), (fail - others) / deviation
