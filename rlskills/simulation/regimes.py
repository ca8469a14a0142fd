"""The regimes of the benchmark, one line each: what the world holds and how its verifier errs.

All share one learner and one protocol; a regime changes as little as it can from `chain`, so that
a difference between two columns of the results has one cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Regime:
    """One kind of world. Counts are of tasks, rates lie in [0, 1].

    `tasks` counts the learnable tasks of each depth of composition, from depth 1 on; depth 1 has
    one task for each atom. `forgetting` is the share of its gain that a part which is not
    practised loses in 64 rollouts. `heterogeneity` is the standard deviation of the logit by
    which the parts of one task are easier or harder than elsewhere.
    """

    name: str
    about: str
    tasks: tuple[int, ...] = (6, 12, 12, 12, 12, 12)
    zero: int = 0
    coin: int = 0
    done: int = 0
    forgetting: float = 0.0
    false_positive: float = 0.0
    false_negative: float = 0.0
    heterogeneity: float = 0.3
    permuted_levels: float = 0.0
    dropped_edges: float = 0.0
    added_edges: float = 0.0
    plateau: float = 0.0
    """Widest plateau in logits: what a part must gain unseen before its success rate follows."""
    clean: bool = False
    """Every reward is right, every task can be learned, and every label is true."""


_ALL = (
    Regime("chain", "six atoms and their compositions to depth 6", clean=True),
    Regime("distractors", "60 impossible, 12 coin-flip and 12 mastered tasks", zero=60, coin=12,
           done=12),
    Regime("coin_heavy", "60 tasks whose reward is a coin flip", coin=60),
    Regime("forgetting", "what is not practised fades", forgetting=0.001, clean=True),
    Regime("noise", "the verifier errs on one answer in ten, both ways", false_positive=0.1,
           false_negative=0.1),
    Regime("frontier_heavy", "few tasks between the atoms and depth 6", tasks=(6, 2, 2, 2, 2, 52),
           clean=True),
    Regime("wrong_levels", "one level label in five is another task's", permuted_levels=0.2),
    Regime("wrong_edges", "one prerequisite in five is missing, as many are made up",
           dropped_edges=0.2, added_edges=0.2),
    Regime("plateau_jump", "practice shows nothing for long, then all at once", plateau=3.0),
)  # fmt: skip

REGIMES = {regime.name: regime for regime in _ALL}


@dataclass(frozen=True)
class Protocol:
    """How every method is run: the same budget of generated rollouts for each.

    A task is mastered at true success rate `mastered` or more. A world is solved once that holds of
    `solved` of its learnable tasks, or, where `measure` is `mean`, once their mean rate is
    `solved`. A run ends `tail` rollouts after that, or when `budget` is spent.
    """

    group_size: int = 8
    groups: int = 16
    """Groups asked of the curriculum at a time: one step of the learner."""
    budget: int = 384_000
    tail: int = 25_600
    rate: float = 0.05
    """Step of the logits for one group."""
    advantage: str = "std"
    clip: float = 7.0
    mastered: float = 0.9
    solved: float = 0.95
    measure: Literal["mastered", "mean"] = "mastered"
    check: int = 4
    """Steps between two looks at the true success rates."""
