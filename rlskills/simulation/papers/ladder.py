"""LADDER: hard problems alone, and with easier variants of what fails.

Simonds and Yoshiyama 2025, arXiv 2503.00735. The paper has the model write a tree of easier
variants for each problem and trains on all of it; here a problem's variants are the compositions
that it consists of.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...curricula import Base, Mixture, Pool
from ..regimes import REGIMES
from .claim import Claim, Measure, decide, over_seeds
from .course import course

STEPS = 900
CHAIN = REGIMES["chain"]


def hard_only(pool: Pool, seed: int) -> Base:
    """The deepest compositions only."""
    most = max(pool.levels.values())
    weights = {unit: float(pool.levels[unit] == most) for unit in pool.units}
    return Mixture(pool, seed, weights=weights)


def claim(seeds: Sequence[int], steps: int = STEPS) -> Claim:
    """Accuracy on the hard problems after equal rollouts."""
    methods = {"hard problems only": hard_only, "ladder": "ladder", "all variants": "uniform"}
    ends = {
        name: course(CHAIN, seeds, method, steps, every=steps, deepest=1).accuracy
        for name, method in methods.items()
    }
    gain = over_seeds(ends["ladder"][:, -1] - ends["hard problems only"][:, -1])
    over_uniform = over_seeds(ends["ladder"][:, -1] - ends["all variants"][:, -1])
    return Claim(
        name="ladder",
        paper="Simonds and Yoshiyama 2025, arXiv 2503.00735",
        says="RL on recursively easier variants takes a 3B model from 1 % to 82 % on integrals; "
        "on the problems alone it does not get off the ground.",
        setting=f"Regime chain, {steps} steps of 16 groups; hard problems are the twelve "
        "compositions of six atoms, variants all units that these consist of.",
        measures=(
            Measure("accuracy on hard problems, ladder less hard problems only", gain),
            Measure("before training", over_seeds(ends["ladder"][:, 0])),
            *(Measure(f"after training on {name}", over_seeds(end[:, -1]))
              for name, end in ends.items()),
            Measure("ladder less all variants alike", over_uniform),
        ),
        verdict=decide(gain),
        why="Hard problems alone give groups that all fail, so nothing begins. That there are "
        "variants is what matters: the paper trains evenly on its trees, which is the row of all "
        "variants; following the demand of failed problems gets there sooner still.",
    )  # fmt: skip
