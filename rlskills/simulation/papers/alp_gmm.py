"""ALP-GMM, Covar-GMM and RIAC on the toy parameter space of their paper.

Portelas, Colas, Hofmann and Oudeyer 2019, arXiv 1910.07224, appendix; constants from the toy space
in the authors' release (teachDeepRL): 10 cells per direction, 100 visits fill a cell, 75 open the
cells above it, 20,000 episodes, and a cell counts as mastered above 75.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ..box import BoxProtocol, BoxRegime, BoxRun
from ..methods import BASELINE, build
from ..world import Floats
from .claim import Claim, Measure, all_of, decide, over_seeds

PAPER = "Portelas et al. 2019, arXiv 1910.07224"
TEACHERS = {"alp_gmm": "ALP-GMM", "covar_gmm": "Covar-GMM", "riac": "RIAC"}
EPISODES = BoxProtocol(group_size=1, groups=25, budget=20_000, gain=0.01, mastered=0.75)
"""25 episodes are drawn at a time: teachers change after 200 at the earliest."""
PLAIN = BoxRegime("plain", "10 x 10 cells")
USELESS = BoxRegime("useless", "10 x 10 cells and five directions without influence", useless=5)


def mastered(regime: BoxRegime, spec: str, seeds: Sequence[int], episodes: int) -> Floats:
    """Share of cells mastered after so many episodes, by seed."""
    shares, protocol = [], replace(EPISODES, budget=episodes)
    for seed in seeds:
        run = BoxRun(regime, protocol, seed, partial(build, spec, episodes))
        run.play()
        shares.append(run.grid.share())
    return np.array(shares)


def toy_space(seeds: Sequence[int], episodes: int = EPISODES.budget) -> Claim:
    """All three teachers against random draws in two directions."""
    random = mastered(PLAIN, BASELINE, seeds, episodes)
    shares = {spec: mastered(PLAIN, spec, seeds, episodes) for spec in TEACHERS}
    gains = {spec: over_seeds(share - random) for spec, share in shares.items()}
    worst = min(gains, key=lambda spec: gains[spec].low)
    return Claim(
        name="alp_gmm",
        paper=PAPER,
        says="On the toy space with two directions all three teachers master far more cells than "
        "random draws (a figure; its values are not known to us).",
        setting=f"The toy space as released, {episodes:,} episodes, 25 of them drawn at a time.",
        measures=(
            Measure(f"cells mastered, {TEACHERS[worst]} less random, the smallest gain",
                    gains[worst]),
            Measure("cells mastered, random", over_seeds(random)),
            *(Measure(f"cells mastered, {TEACHERS[spec]}", over_seeds(shares[spec]))
              for spec in TEACHERS),
        ),
        verdict=all_of([decide(gain) for gain in gains.values()]),
        why="Random draws open few cells because each of the 100 needs 75 visits after its "
        "neighbour; teachers keep to the cells that are open and grow.",
    )  # fmt: skip


def useless_directions(seeds: Sequence[int], episodes: int = EPISODES.budget) -> Claim:
    """The teachers by Gaussians where most directions have no influence."""
    random = mastered(USELESS, BASELINE, seeds, episodes)
    shares = {spec: mastered(USELESS, spec, seeds, episodes) for spec in TEACHERS}
    gain = over_seeds(shares["alp_gmm"] - shares["riac"])
    return Claim(
        name="alp_gmm_useless",
        paper=PAPER,
        says="ALP-GMM holds up in spaces of many directions, also where most are irrelevant, "
        "where RIAC falls behind (figures; their values are not known to us).",
        setting="The same with five directions that have no influence.",
        measures=(
            Measure("cells mastered, ALP-GMM less RIAC", gain),
            Measure("cells mastered, random", over_seeds(random)),
            *(Measure(f"cells mastered, {TEACHERS[spec]}", over_seeds(shares[spec]))
              for spec in TEACHERS),
        ),
        verdict=decide(gain),
        why="RIAC cuts one direction at a time and needs 200 tasks in a region for each cut, most "
        "of which fall on useless directions; a Gaussian covers these whole.",
    )  # fmt: skip
