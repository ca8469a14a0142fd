"""Self-improvement: addition of ever longer numbers, learned from the model's own answers.

Lee et al. 2025, arXiv 2502.01612: from a model of 10-digit addition to 100 digits and more, without
any right answers, by rounds that each add one digit and keep the answers that most samples agree
on. How a transformer carries over to one digit more is assumed here, not shown: success at a length
has a logit, which falls by a step for each digit beyond what is known, so that the next length
mostly comes out right. What most of a group's answers agree on is learned; where they agree on a
wrong answer, all lengths suffer, for they share one set of weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from ...curricula import Outcome, Pool, make
from ..world import Floats, Integers
from .claim import Claim, Measure, over_seeds

KNOWN, LONGEST = 10, 100
LENGTHS = np.arange(1, LONGEST + 1)
GROUP, BATCH, STEPS = 8, 256, 800
FULL, FALL = 5.0, 1.5
"""Logit of what is known, and what it loses for each digit more."""
RATE, HARM, WRONG = 1.0, 0.02, 0.5
"""Move of a length's logit by a right answer times 1 - p, fall of all logits by a wrong one, and
how often a wrong answer is agreed on where fewer than half are right."""
SOLVED = 0.9
POOL = Pool(
    tuple(f"{n} digits" for n in LENGTHS),
    levels={f"{n} digits": max(1, int(n) - KNOWN + 1) for n in LENGTHS},
)
METHODS = {
    "rounds, as in the paper": "self_improvement?accept=0.0&round_groups=32",
    "rounds that must be passed": "self_improvement?round_groups=32",
    "all lengths alike": "uniform",
}


class Adder:
    """A model of addition: the logit of its success at each length."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng([seed, 6])
        self.logit = np.where(LENGTHS <= KNOWN, FULL, -np.inf)
        self._carry_over()

    def _carry_over(self) -> None:
        """A length is at least as good as the best shorter one, less what each digit more costs."""
        lowered = np.maximum.accumulate(self.logit + FALL * LENGTHS) - FALL * LENGTHS
        self.logit = np.clip(lowered, -FULL, FULL)

    def answers(self, at: Integers) -> np.ndarray:
        """Which of `GROUP` answers at each of these lengths are right, (n, GROUP)."""
        return self.generator.random((len(at), GROUP)) < expit(self.logit[at])[:, None]

    def learn(self, at: Integers, right: np.ndarray) -> None:
        """Learn what most answers of a group agree on, right or wrong."""
        agreed = right.mean(1) >= 0.5
        misled = ~agreed & (self.generator.random(len(at)) < WRONG)
        moves: Floats = np.where(agreed, RATE * (1 - expit(self.logit[at])), 0.0)
        self.logit = self.logit + np.bincount(at, moves, LONGEST) - HARM * misled.sum()
        self._carry_over()

    def reach(self) -> int:
        """The longest length up to which all are solved."""
        solved = expit(self.logit) >= SOLVED
        return LONGEST if solved.all() else int(solved.argmin())


def longest(spec: str, seed: int, steps: int) -> int:
    """The longest length solved after all steps."""
    model, teacher = Adder(seed), make(spec, POOL, seed)
    for step in range(1, steps + 1):
        choices = teacher.sample(BATCH)
        at = np.array([teacher.index[choice.unit] for choice in choices])
        right = model.answers(at)
        teacher.observe([
            Outcome(choice, tuple(rates), step)
            for choice, rates in zip(choices, right.astype(float).tolist(), strict=True)
        ])  # fmt: skip
        model.learn(at, right)
        if model.reach() == LONGEST:
            break
    return model.reach()


def claim(seeds: Sequence[int], steps: int = STEPS) -> Claim:
    """The longest addition that is solved, by schedule."""
    reached = {name: np.array([longest(spec, seed, steps) for seed in seeds])
               for name, spec in METHODS.items()}  # fmt: skip
    rounds, alike = reached["rounds, as in the paper"], reached["all lengths alike"]
    gain = over_seeds(rounds - alike)
    return Claim(
        name="self_improvement",
        paper="Lee et al. 2025, arXiv 2502.01612",
        says="From 10 digits to 100 and more, by rounds that add a digit and learn from own "
        "answers; without the schedule the errors of long answers feed on themselves.",
        setting=f"A simulated model of 1 to {LONGEST} digits, {steps} steps of {BATCH} groups at "
        "most; how it carries over to the next length is assumed.",
        measures=(
            Measure("digits solved, rounds as in the paper less all lengths alike", gain),
            *(Measure(f"digits solved, {name}", over_seeds(values))
              for name, values in reached.items()),
        ),
        verdict="not comparable",
        why="How much carries over to the next length and what a wrong answer costs are assumed, "
        "and these decide, so this is no evidence about transformers. What it shows is that the "
        "method's rounds are the paper's: given a model that mostly gets the next length right, "
        "they go the whole way without right answers, where drawing all lengths teaches it its "
        "own errors. With a verifier, as in RL, wrong answers are not learned from, and the "
        "benchmark finds the same method ahead of uniform.",
    )  # fmt: skip
