"""What runs had spent when they first reached an accuracy, and how many times less than a control.

A run that never got there is censored: its ratio is computed from all that it spent, which makes
the control look better or worse than it is by an unknown amount, so censored runs are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..stats import Interval, bootstrap
from ..tables import markdown
from .reading import load_runs
from .run import Run


@dataclass(frozen=True)
class Reached:
    """`spent` at the target, or in all where the target was not reached."""

    spent: float
    reached: bool


def reached(run: Run, tags: Sequence[str], target: float, budget: str = "rollouts") -> Reached:
    """When the mean of the curves `tags` was first at or above `target`.

    Two evaluations in a row are averaged, so that one lucky evaluation does not decide, and the
    crossing is interpolated between the two averages around it.
    """
    points = [
        (record.budgets[budget], float(np.mean([record.metrics[tag] for tag in tags])))
        for record in run.records
        if all(tag in record.metrics for tag in tags)
    ]
    smooth = [((x0 + x1) / 2, (y0 + y1) / 2) for (x0, y0), (x1, y1) in pairwise(points)]
    before: tuple[float, float] | None = None
    for x, y in smooth:
        if y >= target:
            if before is None or y == before[1]:
                return Reached(x, True)
            share = (target - before[1]) / (y - before[1])
            return Reached(before[0] + share * (x - before[0]), True)
        before = (x, y)
    return Reached(points[-1][0] if points else 0.0, False)


def speedup(treated: Sequence[Reached], control: Sequence[Reached]) -> Interval:
    """Median over pairs of control / treated, with a percentile bootstrap over the pairs."""
    ratios = [c.spent / max(t.spent, 1e-9) for t, c in zip(treated, control, strict=True)]
    return bootstrap(ratios, f"{len(ratios)} seeds", np.median)


def speedups(
    arms: Mapping[str, Sequence[Path]], tags: Sequence[str], target: float
) -> dict[str, Interval]:
    """How many times fewer rollouts than the first arm each needs to reach `target`."""
    by_arm = _reached(arms, tags, target)
    control = next(iter(by_arm.values()))
    return {arm: speedup(seeds, control) for arm, seeds in by_arm.items()}


def _reached(
    arms: Mapping[str, Sequence[Path]], tags: Sequence[str], target: float
) -> dict[str, list[Reached]]:
    return {
        arm: [reached(run, tags, target) for folder in folders for run in load_runs([folder])]
        for arm, folders in arms.items()
    }


def reached_table(arms: Mapping[str, Sequence[Path]], tags: Sequence[str], target: float) -> str:
    """Markdown: rollouts to `target` by seed (`+`: not reached), and speed-up over the first arm.

    `arms` has the run folders of each arm, one per seed, in the same order of seeds.
    """
    by_arm = _reached(arms, tags, target)
    control = next(iter(by_arm))
    header = ("arm", f"1000 rollouts to {target:g}, by seed", "reached")
    rows = []
    for arm, seeds in by_arm.items():
        spent = " ".join(f"{seed.spent / 1000:.1f}{'' if seed.reached else '+'}" for seed in seeds)
        share = f"{sum(seed.reached for seed in seeds)} of {len(seeds)}"
        rows.append((arm, spent, share, f"{speedup(seeds, by_arm[control]):.2f}"))
    return markdown((*header, f"times fewer than {control}"), rows)
