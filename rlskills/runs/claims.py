"""Claims that a study declares before it runs; a report gives each a verdict.

    Claim("composes", "RL on two levels composes three", "arXiv 2509.25123, section 4.2",
          Effect("rl_l2", (("held_out", 3),)), smallest=0.05, paper="+.23")

`evaluation.measures.verdicts` has the rule; what cannot be tested says why in `untestable`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, Literal, get_args

from ..errors import UserError
from ..evaluation.measures.form import Form
from .tags import Address, spans


@dataclass(frozen=True)
class Effect:
    """What one arm has over another in each seed."""

    arm: str
    at: tuple[Address, ...] = ()
    """Eval sets, whose problems are taken together; of what was logged none."""
    against: str = "base"
    """An arm, which has the same seeds; empty: the effect is what the arm itself has."""
    measure: str = "greedy"
    """`greedy`, `pass@8`, `class: ignores composition` (a share of greedy answers), or `logged:
    train/entropy` (a tag, its mean over the updates)."""
    sign: Literal[1, -1] = 1
    """-1 where the claim is that the arm has less."""
    less_at: tuple[Address, ...] = ()
    """Eval sets whose effect is subtracted: a claim that it is larger there."""
    less_measure: str = ""
    """Likewise a measure at the same eval sets: a claim that the effect grows with k."""

    def __post_init__(self) -> None:
        for measure in filter(None, (self.measure, self.less_measure)):
            if not re.fullmatch(r"greedy|pass@[1-9]\d*|(class|logged): .+", measure):
                raise UserError(f"no measure {measure!r}: greedy, pass@8, class: KIND, logged: TAG")
        if self.sign not in (1, -1):
            raise UserError(f"the sign of an effect is 1 or -1, not {self.sign}")

    def __str__(self) -> str:
        what = _named(self.measure)
        what += f" less {_named(self.less_measure)}" if self.less_measure else ""
        where = f" at {_where(self.at)}" if self.at else ""
        where += f" less at {_where(self.less_at)}" if self.less_at else ""
        arms = " - ".join((self.arm, self.against)[:: self.sign]) if self.against else self.arm
        return f"{what}{where}: {arms}"


@dataclass(frozen=True)
class Claim:
    """What is said, by whom, and what decides whether it holds here."""

    name: str
    """Short, and the only one of its study."""
    text: str
    """In the words of a reader."""
    source: str
    """Paper and section."""
    effect: Effect | None = None
    smallest: float = 0.0
    """The smallest effect of interest, in the unit of the effect."""
    form: Form = "above"
    """`above` or `below` the smallest effect, or `within` it on both sides of 0."""
    paper: str = ""
    """The source's own number."""
    untestable: str = ""
    """Why this study cannot judge it; goes on from `not testable at this scale, because`."""

    def __post_init__(self) -> None:
        if (self.effect is None) != bool(self.untestable):
            raise UserError(f"claim {self.name!r} needs an effect, or why it cannot be tested")
        least = isfinite(self.smallest) and self.smallest >= 0
        nothing = self.form == "within" and self.smallest == 0
        if self.form not in get_args(Form) or not least or nothing:
            raise UserError(f"claim {self.name!r}: {self.form} {self.smallest} is no rule")

    @property
    def measure(self) -> str:
        """What is measured, and where."""
        return str(self.effect or "")

    @property
    def rule(self) -> str:
        """What the whole interval must do for the claim to be reproduced."""
        return f"{self.form} {self.smallest:g}" if self.effect else ""


def applicable(
    claims: Iterable[Claim], arms: Collection[str], asked: Collection[Address]
) -> tuple[Claim, ...]:
    """Those of arms and eval sets that a study has, and those that none could test."""
    return tuple(claim for claim in claims if not _unknown(claim, arms, asked))


def check_claims(
    claims: Sequence[Claim], arms: Collection[str], asked: Collection[Address]
) -> None:
    """A `UserError` for a name that two claims have, an arm or an eval set that is not there."""
    for place, claim in enumerate(claims):
        if claim.name in {before.name for before in claims[:place]}:
            raise UserError(f"two claims have the name {claim.name!r}")
        if unknown := _unknown(claim, arms, asked):
            raise UserError(f"claim {claim.name!r} is about {unknown[0]}, which the study has not")


def _unknown(claim: Claim, arms: Collection[str], asked: Collection[Address]) -> list[str]:
    """Arms and eval sets of a claim that are not there."""
    effect = claim.effect
    if effect is None:
        return []
    absent = [arm for arm in (effect.arm, effect.against) if arm and arm not in arms]
    return absent + [_where((at,)) for at in (*effect.at, *effect.less_at) if at not in asked]


def from_json(values: list[dict[str, Any]]) -> tuple[Claim, ...]:
    """From what `asdict` makes of claims; ValueError, TypeError or KeyError where it is no such."""
    return tuple(Claim(effect=_effect(value), **_known(Claim, value)) for value in values)


def _effect(value: Mapping[str, Any]) -> Effect | None:
    found = value["effect"]
    if found is None:
        return None
    at, less_at = (tuple((str(group), int(level)) for group, level in found[key])
                   for key in ("at", "less_at"))  # fmt: skip
    return Effect(at=at, less_at=less_at, **_known(Effect, found))


def _named(measure: str) -> str:
    return measure.removeprefix("logged: ").removeprefix("class: ")


def _known(kind: type, value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a dataclass, each of the type of its default or a text."""
    kinds = {"sign": int, "smallest": float}
    return {each.name: kinds.get(each.name, str)(value[each.name])
            for each in fields(kind) if each.name not in ("effect", "at", "less_at")}  # fmt: skip


def _where(places: tuple[Address, ...]) -> str:
    """`train L3, common L1-L4`."""
    by_group: dict[str, list[int]] = {}
    for group, level in places:
        by_group.setdefault(group, []).append(level)
    return ", ".join(f"{group} {spans(levels)}" for group, levels in by_group.items())
