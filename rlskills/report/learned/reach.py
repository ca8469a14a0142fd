"""What an arm solves that the base did not: the same with fewer samples, or more."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import UserError
from ...evaluation.measures.counts import Counts
from ...evaluation.measures.shift import shift
from ...evaluation.measures.support import gain_split, support
from ...runs.folder import BASE
from ...runs.tags import Address
from ...stats import Interval
from ..comparison import pairing
from ..run import Run
from ..section import EVAL_SET, NONE, Section, signed, where
from .pass_at_k import fewest
from .pools import Pools, evaluated, joined, sampled

ENOUGH = 16
"""Samples of each problem from which these tables are made."""
HEADER = (
    EVAL_SET, "arm", "worth at k=1", "worth at k={k}", "reading", "gain where solved",
    "gain elsewhere", "problems gained", "lost",
)  # fmt: skip
LINES = (
    "Worth: with how many samples of the base as many problems are solved as with one of the arm, "
    "at k samples of it; access where that is constant, reach where it rises or the base never "
    "gets there.",
    "Gain: change of pass@1 on problems that {n} samples of the base solve, and on the others; the "
    "two add up. The second falls with the number of samples.",
    "Problems gained and lost with {half} samples, less what two halves of the base differ by. All "
    "with 95% bootstraps over problems, those of several seeds as one row.",
)


def reach(pools: Pools) -> list[Section]:
    """A row for each eval set and arm, where all problems have `ENOUGH` samples."""
    base = pools.get(BASE, ())
    sets = [each for each in evaluated(pools) if base and fewest(pools, each) >= ENOUGH]
    if not sets:
        return []
    n = min(fewest(pools, address) for address in sets)
    rows = [
        (where(address), arm, *cells)
        for address in sets
        for arm, pool in pools.items()
        if arm != BASE and (cells := _cells(pool, base, address, n))
    ]
    if not rows:
        return []
    header = tuple(name.format(k=n // 2) for name in HEADER)
    lines = tuple(line.format(n=n, half=n // 2) for line in LINES)
    return [Section("Reach beyond the base", header, tuple(rows), 2, lines)]


def _cells(
    pool: Sequence[Run], base: Sequence[Run], address: Address, n: int
) -> tuple[str, ...] | None:
    before, after = _paired(pool, base, address)
    if before is None or after is None:
        return None
    try:
        worth = shift(before, after, (1, n // 2))
        shifted = (_worth(worth.worth[0]), _worth(worth.worth[1]), worth.kind)
    except UserError:  # it solved nothing
        shifted = (NONE, NONE, NONE)
    (split,) = gain_split(before, after, [n])
    found = support(before, after, n // 2)
    gained, lost = (_number(each) for each in (found.gained, found.lost))
    return (*shifted, signed(split.solved), signed(split.unsolved), gained, lost)


def _paired(
    pool: Sequence[Run], base: Sequence[Run], address: Address
) -> tuple[Counts | None, Counts | None]:
    """Samples of the base and of an arm on the same problems, seed by seed."""
    arms, bases = ({run.seed: run for run in runs} for runs in (pool, base))
    both = [
        (sampled(bases[other].eval_sets[address]), sampled(arms[seed].eval_sets[address]))
        for seed, other in pairing(pool, base)
    ]
    pairs = [(one, two) for one, two in both if one is not None and two is not None]
    if not pairs:
        return None, None
    return joined([one for one, _ in pairs]), joined([two for _, two in pairs])


def _worth(value: float) -> str:
    return "more than drawn" if value == float("inf") else f"{value:.1f}"


def _number(interval: Interval) -> str:
    mean, low, high = (round(x, 1) + 0.0 for x in (interval.mean, interval.low, interval.high))
    return f"{mean:.1f} [{low:.1f}, {high:.1f}]"  # without a sign before 0
