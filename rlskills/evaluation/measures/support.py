"""What an arm solves that the base did not: compressed from many samples into one, or new.

Two readings, both of which depend on the number of samples n, since 0 of n only bounds a rate:

    transitions, gain_split   states of problems before and after, and the gain in pass@1 split
                              into problems that the base ever solved and those that it did not
    support                   problems preserved, shrunk, expanded and out of reach, less what two
                              halves of the same model differ by

Sources: Nath et al. (arXiv 2506.13923) for the states, Wu et al., "The Invisible Leash" (arXiv
2507.14843) for support and its rates. The split over n and the null of halves are additions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import UserError
from ...stats import Interval, holm_adjusted
from .counts import Counts, Floats, bounds, paired, resampled_means, shares
from .pass_at_k import pass_at

STATES = ("never", "rare", "solid")
CHANGES = {
    "compression": ((1, 2),),
    "gain": ((0, 1), (0, 2)),
    "erosion": ((2, 1),),
    "loss": ((1, 0), (2, 0)),
}
"""Cells (before, after) of the table of states."""


@dataclass(frozen=True)
class Split:
    """A change of pass@1, by whether `size` samples of the base had solved the problem."""

    size: int
    solved: Interval
    unsolved: Interval


@dataclass(frozen=True)
class Support:
    """Expected numbers of problems, with `size` samples of each arm, and rates of them.

    `expanded` and `shrunk` are plain; `gained` and `lost` have what chance gives subtracted.
    """

    size: int
    preserved: float
    shrunk: float
    expanded: float
    outside: float
    chance: float
    gained: Interval
    lost: Interval


def transitions(before: Counts, after: Counts, solid: float = 0.5) -> np.ndarray:
    """Numbers of problems by state before (rows) and after (columns), shape (3, 3).

    Never: no success; rare: some, below a rate of `solid`; solid: the others.
    """
    paired(before, after)
    shares(solid, "the rate of solid problems")
    table = np.zeros((3, 3), dtype=np.int64)
    np.add.at(table, (_states(before, solid), _states(after, solid)), 1)
    return table


def changes(table: np.ndarray) -> dict[str, int]:
    """Compression, gain, erosion and loss, of `transitions`."""
    return {name: int(sum(table[cell] for cell in cells)) for name, cells in CHANGES.items()}


def gain_split(
    base: Counts,
    arm: Counts,
    sizes: Sequence[int],
    never: Floats | None = None,
    seed: int = 0,
) -> list[Split]:
    """The mean change of pass@1 in two parts that add up to it, for each number of base samples.

    With `size` of the base's n samples a problem is unsolved with a chance that is known exactly
    (all are among the wrong ones); its whole rate under the arm is then gain. The second part
    falls as `size` rises: show it at several. `never`, shape (problems,), weighs it by the chance
    that a problem without a success is one at 0 (`Fit.zero_given_none`). 95% bootstraps over
    problems, the same ones in both parts.
    """
    paired(base, arm)
    weight = np.ones(len(base)) if never is None else shares(never, "chances of a rate of 0")
    change = arm.rates - base.rates
    unsolved = (1 - pass_at(base, sizes)) * (arm.rates * weight)[:, None]
    values = np.stack([change[:, None] - unsolved, unsolved], axis=2)
    low, high = bounds(resampled_means(values, seed))
    means = values.mean(axis=0)
    parts = [
        [Interval(float(m), min(m, a), max(m, b), "bootstrap over problems") for m, a, b in each]
        for each in np.stack([means, low, high], axis=2).tolist()
    ]
    return [Split(size, *both) for size, both in zip(sizes, parts, strict=True)]


def newly_solved(base: Counts, arm: Counts) -> Floats:
    """Of each problem, the p that the arm is no better, after Holm's correction for all.

    Fisher's exact test, one-sided.
    """
    from scipy.stats import hypergeom

    paired(base, arm)
    p = hypergeom.sf(arm.c - 1, base.n + arm.n, base.c + arm.c, arm.n)
    return np.array(holm_adjusted(np.clip(p, 0.0, 1.0).tolist()))


def support(base: Counts, arm: Counts, size: int | None = None, seed: int = 0) -> Support:
    """Problems solved by `size` samples of each arm or one of them; by default half of the fewest.

    All are expectations over which `size` of the n samples are looked at, so nothing is drawn. By
    chance alone as many problems seem gained as lost: those that `size` samples of the base miss
    and another `size` of its own solve. Hence `size` is at most half of the base's samples.
    """
    paired(base, arm)
    most = min(base.fewest // 2, arm.fewest)
    size = most if size is None else size
    if not 1 <= size <= most:
        raise UserError(
            f"support with {size} samples needs twice as many of the base and as many of the "
            f"arm; there are {base.fewest} and {arm.fewest}"
        )
    both = pass_at(base, [size, 2 * size])
    had, has = both[:, 0], pass_at(arm, [size])[:, 0]
    chance = both[:, 1] - both[:, 0]
    kinds = [had * has, had * (1 - has), (1 - had) * has, (1 - had) * (1 - has), chance]
    values = np.stack([*kinds, kinds[2] - chance, kinds[1] - chance], axis=1)
    sums, draws = values.sum(axis=0), resampled_means(values[:, 5:], seed) * len(base)
    low, high = bounds(draws)
    gained, lost = (
        Interval(m, min(m, float(a)), max(m, float(b)), "bootstrap over problems")
        for m, a, b in zip(sums[5:].tolist(), low, high, strict=True)
    )
    preserved, shrunk, expanded, outside, alone = sums[:5].tolist()
    return Support(size, preserved, shrunk, expanded, outside, alone, gained, lost)


def rates(preserved: float, expanded: float, shrunk: float) -> dict[str, float]:
    """Support retention, new discovery, their harmonic mean, and net change of support.

    `SRR = P / (P+S)`, `NDR = E / (P+E)`, `SDS = 2 SRR NDR / (SRR + NDR)`,
    `NSCR = (E-S) / (P+E+S)`; not a number where there is nothing to divide by.
    """
    if min(preserved, expanded, shrunk) < 0 or not np.isfinite(preserved + expanded + shrunk):
        raise UserError("numbers of problems must be 0 or more")

    def ratio(part: float, whole: float) -> float:
        return part / whole if whole > 0 else float("nan")

    kept = ratio(preserved, preserved + shrunk)
    new = ratio(expanded, preserved + expanded)
    return {
        "SRR": kept,
        "NDR": new,
        "SDS": ratio(2 * kept * new, kept + new) if kept + new else 0.0,
        "NSCR": ratio(expanded - shrunk, preserved + expanded + shrunk),
    }


def expected_by_chance(p: Floats, n: int) -> float:
    """Problems of known rates that n samples miss and n others solve: sum of (1-p)^n (1-(1-p)^n).

    At most a quarter of a problem each, at p = 1 - 2^(-1/n).
    """
    none = (1 - shares(p, "rates")) ** n
    return float((none * (1 - none)).sum())


def _states(table: Counts, solid: float) -> np.ndarray:
    return np.where(table.c == 0, 0, np.where(table.rates >= solid, 2, 1))
