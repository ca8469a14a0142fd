"""A comparison on one screen: one table, and a sentence for each of a few cells that matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..runs.folder import BASE
from ..runs.tags import Address
from ..stats import short
from .comparison import Comparison
from .section import EVAL_SET, NONE, Section


@dataclass(frozen=True)
class Highlight:
    """An arm in one eval set, which a sentence will be about."""

    arm: str
    address: Address
    about: str = ""
    """What the sentence adds, such as why this cell matters."""


def brief(comparison: Comparison, highlights: Sequence[Highlight]) -> Section:
    """Greedy accuracy of every arm in every eval set, and what follows for `highlights`.

    A star marks a difference to the base whose interval excludes 0. Highlights of arms or eval sets
    that the comparison lacks are left out.
    """
    greedy = comparison.measures[0]
    names = [arm.name for arm in comparison.arms]
    rows = [
        (f"{group} L{level}", *(_cell(comparison, (group, level), name) for name in names))
        for group, level in greedy.accuracy
    ]
    said = [text for each in highlights if (text := _sentence(comparison, each))]
    star = "* differs from the base: the 95% interval of the difference excludes 0"
    return Section("Greedy accuracy", (EVAL_SET, *names), tuple(rows), 1, (star, *said))


def _cell(comparison: Comparison, address: Address, arm: str) -> str:
    greedy = comparison.measures[0]
    found = greedy.accuracy[address].get(arm)
    if found is None:
        return NONE
    difference = greedy.over_base.get(address, {}).get(arm)
    star = "*" if difference is not None and difference.excludes(0.0) else " "
    return f"{short(found.mean)}{star if arm != BASE else ''}"


def _sentence(comparison: Comparison, highlight: Highlight) -> str:
    """Such as `grpo raises train L3 (.27 to .79, +.52 [.44, .60]): deeper than it trained on.`"""
    greedy, (group, level) = comparison.measures[0], highlight.address
    cells = greedy.accuracy.get(highlight.address, {})
    difference = greedy.over_base.get(highlight.address, {}).get(highlight.arm)
    if difference is None or BASE not in cells:
        return ""
    does = "does not clearly change"
    if difference.excludes(0.0):
        does = "raises" if difference.mean > 0 else "lowers"
    before, after = short(cells[BASE].mean), short(cells[highlight.arm].mean)
    plus = "+" if difference.mean > 0 else ""
    about = f": {highlight.about}" if highlight.about else ""
    return (
        f"{highlight.arm} {does} {group} L{level} ({before} to {after}, {plus}{difference}){about}."
    )
