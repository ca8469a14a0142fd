"""Learning curves in the terminal as they grow: a line for every evaluation of an arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

from ..runs.tags import parse_eval_greedy
from ..stats import short

BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass
class GrowingCurves:
    """What an arm has reached so far, evaluation by evaluation."""

    means: dict[str, list[float]] = field(default_factory=dict)
    """Mean greedy accuracy over the levels, by group."""

    def line(self, accuracies: Mapping[str, float]) -> str:
        """Of the newest evaluation, by tag: accuracies by level, and the curve of their mean.

        Such as `train .99 .84 .31 ▃▅▆  held_out .98 .50 .19 ▃▃▄`.
        """
        groups: dict[str, dict[int, float]] = {}
        for tag, accuracy in accuracies.items():
            if address := parse_eval_greedy(tag):
                groups.setdefault(address[0], {})[address[1]] = accuracy
        parts = []
        for group, levels in groups.items():
            self.means.setdefault(group, []).append(fmean(levels.values()))
            numbers = " ".join(short(levels[level]) for level in sorted(levels))
            parts.append(f"{group} {numbers} {sparkline(self.means[group])}")
        return "  ".join(parts)


def sparkline(values: list[float]) -> str:
    """Values from 0 to 1 as bars of eight heights."""
    top = len(BLOCKS) - 1
    return "".join(BLOCKS[min(top, max(0, int(value * len(BLOCKS))))] for value in values)
