"""STAT: a few skills are missing, all others are mastered.

He et al. 2025, arXiv 2510.10023. The paper fine-tunes on right solutions, and says that RL after
it still adds to the gain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..learner import Learner
from ..regimes import REGIMES, Regime
from .claim import Claim, Measure, all_of, decide, over_seeds, times
from .course import Course, Supervised, course, missing_world

REGIME = Regime("missing", "three of twelve atoms are missing", tasks=(12, 24, 24))
STEPS, ENOUGH = 400, 0.9


def claim(seeds: Sequence[int], steps: int = STEPS) -> Claim:
    """STAT-Sel and STAT-Syn against uniform draws, from solutions and by RL."""

    def play(spec: str, learner: type[Learner]) -> Course:
        return course(REGIME, seeds, spec, steps, make=missing_world, learner=learner)

    def bar(one: Course) -> np.ndarray:
        return np.full(len(one.accuracy), ENOUGH)

    measures, verdicts = [], []
    for learner, how in ((Supervised, "from solutions"), (Learner, "by RL")):
        uniform = play("uniform", learner)
        for spec in ("stat_sel", "stat_syn"):
            mine = play(spec, learner)
            gain = times(uniform.steps_to(bar(uniform)), mine.steps_to(bar(mine)))
            ahead = over_seeds((mine.accuracy - uniform.accuracy).max(1))
            measures += [
                Measure(f"{how}: times fewer steps to .9 than uniform, {spec}", gain),
                Measure(f"{how}: most accuracy ahead at equal steps, {spec}", ahead),
            ]
            if learner is Supervised:
                verdicts.append(decide(gain, 1.0))
    flat = course(REGIMES["chain"], seeds, "uniform", steps)
    picked = course(REGIMES["chain"], seeds, "stat_sel", steps)
    gap = over_seeds(picked.accuracy[:, -1] - flat.accuracy[:, -1])
    return Claim(
        name="stat",
        paper="He et al. 2025, arXiv 2510.10023",
        says="Up to 7.5 points more on MATH than the model had, by training on the skills that "
        "are missing, where fine-tuning on all problems gives next to nothing.",
        setting="Three of twelve atoms pass .1, all others .95; 60 units of one to three atoms. "
        "A draw is a right solution, or a group of 8 rollouts.",
        measures=(
            *measures,
            Measure("regime chain: accuracy at the end, stat_sel less uniform", gap),
        ),
        verdict=all_of(verdicts),
        why="The profile has something to say where some skills are missing and others are not. "
        "In the benchmark all atoms start alike, and what keeps a composition from succeeding is "
        "depth, which no tag names, so the profile is flat and the draws are uniform.",
    )
