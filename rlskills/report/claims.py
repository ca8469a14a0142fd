"""Claims of methods, each with a verdict that follows from its interval by one rule.

A claim says that one arm is above or below another at a probe. With paired differences over seeds
and Holm's correction for all claims of a page it is

    shown         the difference is on the claimed side, and no chance
    refuted       it is on the other side, and no chance
    not shown     neither: the interval says what a difference could still be
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, TypeAlias

from ..stats import T_MINIMUM, Interval, holm, mean_interval, paired_difference, paired_p
from .arena import Logged, Probe, by_seed
from .run import Run
from .sections import Section

Verdict: TypeAlias = Literal["shown", "refuted", "not shown"]


@dataclass(frozen=True)
class Claim:
    """What is said of an arm, in the words of a reader, and where to look."""

    arm: str
    text: str
    probe: Probe | Logged
    sign: Literal[1, -1] = 1
    against: str = "grpo"


@dataclass(frozen=True)
class Untested:
    """What is said of a method and a study cannot judge."""

    method: str
    text: str
    """The claim, in the words of a reader."""
    reason: str
    """Goes on from `not testable at this scale, because`."""


@dataclass(frozen=True)
class Judged:
    """A claim with the difference found and what follows."""

    claim: Claim
    difference: Interval
    verdict: Verdict


def judged(pools: Mapping[str, Sequence[Run]], claims: Sequence[Claim]) -> list[Judged]:
    """The claims whose arms are there with three seeds or more, in their order."""
    there = {arm for arm, pool in pools.items() if len(pool) >= T_MINIMUM}
    known = [claim for claim in claims if {claim.arm, claim.against} <= there]
    pairs = []
    for claim in known:
        seeds = [run.seed for run in pools[claim.arm]]
        pairs.append(
            tuple(by_seed(pools[arm], claim.probe, seeds) for arm in (claim.arm, claim.against))
        )
    certain = holm([paired_p(treated, control) for treated, control in pairs])
    found = []
    for claim, (treated, control), sure in zip(known, pairs, certain, strict=True):
        if isinstance(claim.probe, Logged):
            difference = mean_interval((treated - control)[:, 0], bounds=(-inf, inf))
        else:
            difference = paired_difference(treated, control)
        verdict: Verdict = "not shown"
        if sure:
            verdict = "shown" if difference.mean * claim.sign > 0 else "refuted"
        found.append(Judged(claim, difference, verdict))
    return found


def claims_section(found: Sequence[Judged]) -> Section:
    """A row for each claim."""
    rows = [
        (each.claim.arm, each.claim.text, f"{each.claim.probe.name}, {each.claim.against}",
         f"{'+' if each.difference.mean > 0 else ''}{each.difference}", each.verdict)
        for each in found
    ]  # fmt: skip
    rule = f"shown, refuted: no chance at 5% after Holm's correction for {len(found)} claims"
    header = ("arm", "claim", "at, against", "difference", "verdict")
    return Section("What each method claims", header, tuple(rows), 2, (rule,))


def untested_section(claims: Sequence[Untested]) -> Section:
    """A row for each claim, with the reason why it has no verdict."""
    rows = tuple((each.method, each.text, each.reason) for each in claims)
    header = ("method", "claim", "not testable at this scale, because")
    return Section("What else is claimed", header, rows, len(header))
