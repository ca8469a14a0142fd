"""Whether a declared claim holds, by one rule, from its difference in each seed.

A claim declares before the run an effect, the smallest one of interest, and a form:

    above    the effect exceeds `smallest`
    below    it stays under `smallest`: for "does not learn", never told from a large p
    within   it lies between -smallest and smallest: for "forgets nothing"

and is, by an interval over paired seeds,

    reproduced       the whole interval is where the claim says
    not reproduced   the whole interval is elsewhere
    inconclusive     neither; with the effect that so many seeds detect, and the seeds that decide
    not testable     an arm, a seed or a gate is missing

Holm's correction is over all claims of a page: the interval of each has the level at which Holm's
procedure tests it. Sources: Holm 1979 (Scandinavian Journal of Statistics 6:65); Schuirmann 1987
(Journal of Pharmacokinetics and Biopharmaceutics 15:657) for two one-sided tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import root_scalar
from scipy.special import ncfdtr, stdtr, stdtrit

from ...errors import UserError
from ...stats import LEVEL, T_MINIMUM, Interval, holm_adjusted, mean_interval, paired_p
from .counts import Floats
from .form import Form

Outcome: TypeAlias = Literal["reproduced", "not reproduced", "inconclusive", "not testable"]
POWER = 0.8
MOST_SEEDS = 10_000


@dataclass(frozen=True)
class Declared:
    """A claim, the effect in each seed (positive: as predicted), and what it lacks to be tested."""

    effects: Sequence[float]
    smallest: float
    form: Form = "above"
    missing: Sequence[str] = ()
    """Arms, seeds or gates, such as atoms that are not mastered."""


@dataclass(frozen=True)
class Verdict:
    """What follows from a claim's effects."""

    outcome: Outcome
    note: str
    effect: Interval | None
    detectable: float | None
    """The effect that so many seeds detect with a power of 80%."""
    seeds: int | None
    """Of an inconclusive claim: how many would decide it with that power, if the truth is as far
    from `smallest` as no effect is."""


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests that a mean lies within a margin of 0, at 5% each."""

    p: float
    interval: Interval
    """90%: equivalent where it lies within the margin."""
    equivalent: bool


def tost(differences: ArrayLike, margin: float, level: float = LEVEL) -> Equivalence:
    """Equivalence over paired seeds; `margin` is in their unit and fixed before the run.

    Differences that all agree have the p of the test of signs, as in `stats.paired_p`.
    """
    values = _effects(differences)
    if not 0 < margin < inf or len(values) < 2:
        raise UserError("equivalence needs a margin above 0 and at least 2 seeds")
    mean, size = float(values.mean()), len(values)
    error = float(values.std(ddof=1)) / np.sqrt(size)
    if error < 1e-12:
        p = 0.5**size if abs(mean) < margin else 1.0
        point = Interval(mean, mean, mean, f"{size} seeds that agree")
        return Equivalence(p, point, p <= level)
    p = float(stdtr(size - 1, (abs(mean) - margin) / error))
    interval = mean_interval(values, 1 - 2 * level, bounds=(-inf, inf))
    return Equivalence(p, interval, p <= level)


def detectable(n: int, sd: float = 1.0, level: float = LEVEL, paired: bool = True) -> float:
    """The effect that a two-sided t test over `n` seeds finds with a power of 80%.

    `sd` is that of the paired differences, or of one arm with `n` seeds in each.
    """
    if n < 2 or not 0 <= sd < inf:
        raise UserError("a detectable effect needs at least 2 seeds and a spread of 0 or more")
    freedom, scale = (n - 1, np.sqrt(n)) if paired else (2 * n - 2, np.sqrt(n / 2))
    bound = float(stdtrit(freedom, 1 - level / 2))

    def lacking(effect: float) -> float:
        # The square of a noncentral t has a noncentral F distribution: both tails at once.
        return 1 - float(ncfdtr(1, freedom, (effect * scale) ** 2, bound**2)) - POWER

    most = (bound + 1) / scale
    while lacking(most) < 0:
        most *= 2
    return float(root_scalar(lacking, bracket=(0.0, most)).root) * sd


def seeds_needed(effect: float, sd: float, level: float = LEVEL) -> int:
    """The fewest paired seeds that detect `effect` with a power of 80%, at most `MOST_SEEDS`."""
    if not effect > 0:
        raise UserError("an effect to detect is above 0")
    low, high = 1, 2
    while high < MOST_SEEDS and detectable(high, sd, level) > effect:
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if detectable(middle, sd, level) > effect else (low, middle)
    return high


def smallest_sign_flip_p(n: int) -> float:
    """The smallest two-sided p that a test of signs over `n` paired seeds can give: 2 / 2^n."""
    return min(1.0, 2.0 ** (1 - n))


def rule(low: float, high: float, smallest: float, form: Form = "above") -> tuple[Outcome, str]:
    """The outcome of a claim from the interval of its effect, and a note on it.

    `smallest` is 0 or more. Notes: `opposite` where the whole interval is below 0, `equivalent to
    none` where it lies between -smallest and smallest.
    """
    inside = -smallest < low and high < smallest
    outside = low > smallest or high < -smallest
    holds = {"above": low > smallest, "below": high < smallest, "within": inside}[form]
    fails = {"above": high < smallest, "below": low > smallest, "within": outside}[form]
    note = ""
    if form == "above" and fails:
        note = "opposite" if high < 0 else "equivalent to none" if inside else ""
    return ("reproduced" if holds else "not reproduced" if fails else "inconclusive"), note


def verdicts(claims: Mapping[str, Declared], level: float = LEVEL) -> dict[str, Verdict]:
    """All claims of a page, each by `rule` at the level that Holm's procedure leaves to it."""
    lacking = {name: _lacking(claim) for name, claim in claims.items()}
    tested = [name for name in claims if not lacking[name]]
    p = {name: _p(claims[name]) for name in tested}
    adjusted = dict(zip(tested, holm_adjusted(list(p.values())), strict=True))
    levels, left = {}, len(tested)
    for name in sorted(tested, key=lambda name: p[name]):
        levels[name] = level / left
        # Behind the first that is not rejected, all are tested at its level.
        left -= adjusted[name] <= level
    return {
        name: _judge(claim, levels[name])
        if name in levels
        else Verdict("not testable", lacking[name], None, None, None)
        for name, claim in claims.items()
    }


def _lacking(claim: Declared) -> str:
    if claim.missing:
        return ", ".join(claim.missing)
    if not 0 <= claim.smallest < inf or (claim.form == "within" and claim.smallest == 0):
        raise UserError(f"the smallest effect of interest cannot be {claim.smallest}")
    if len(claim.effects) < T_MINIMUM:
        return f"{len(claim.effects)} seeds, and {T_MINIMUM} are the fewest"
    _effects(claim.effects)
    return ""


def _p(claim: Declared) -> float:
    """Two-sided, that the effect is on neither side of what the claim says."""
    if claim.form == "within":
        return min(tost(claim.effects, claim.smallest).p, _against(claim.effects, claim.smallest),
                   _against(claim.effects, -claim.smallest))  # fmt: skip
    return _against(claim.effects, claim.smallest)


def _against(effects: ArrayLike, value: float) -> float:
    column = _effects(effects)[:, None]
    return paired_p(column, np.full_like(column, value))


def _judge(claim: Declared, level: float) -> Verdict:
    values = _effects(claim.effects)
    size, sd, mean = len(values), float(values.std(ddof=1)), float(values.mean())
    if sd < 1e-12:  # an interval of no width would be certain of what a few problems gave
        low, high = (-inf, inf) if smallest_sign_flip_p(size) > level else (mean, mean)
        interval = Interval(mean, low, high, f"{size} seeds that agree, by signs")
        outcome, note = rule(low, high, claim.smallest, claim.form)
    else:
        interval = mean_interval(values, 1 - level, bounds=(-inf, inf))
        outcome, note = rule(interval.low, interval.high, claim.smallest, claim.form)
        if claim.smallest > 0 and (same := tost(values, claim.smallest, level)).equivalent:
            if claim.form == "within":
                outcome, interval = "reproduced", same.interval
            elif claim.form == "above" and outcome == "not reproduced" and note != "opposite":
                note = "equivalent to none"
    found = detectable(size, sd, level)
    seeds = None
    if outcome == "inconclusive":
        far = claim.smallest or abs(mean)
        seeds = max(size + 1, seeds_needed(far, sd, level)) if far > 0 else None
        if sd < 1e-12:
            seeds = int(np.ceil(1 - np.log2(level)))
    return Verdict(outcome, note, interval, found, seeds)


def _effects(values: ArrayLike) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise UserError("effects must be one finite number for each seed")
    return found
