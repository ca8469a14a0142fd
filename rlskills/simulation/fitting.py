"""The simulated learner of `trained.py` fitted to logged training runs.

What is compared, method by method: accuracy at levels 2 to 4 along the run, and the share of groups
without variance in each quarter of it; both are means over seeds. The sum of squared differences,
each in units of `SCALE`, is made small by Nelder and Mead's method (1965, Computer Journal 7:308)
over eight numbers of the regime, from those that it has. Draws are the same in every try, so that
two tries differ by the regime only. A method that was logged and is left out of the fit shows
whether the regime predicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from ..errors import UserError
from .methods import build
from .run import Run
from .trained import MEASURED, SKILLS, TRAINED_PROTOCOL, TrainedRegime
from .world import Floats

SCALE = 0.05
"""A difference of so much counts as 1."""
QUARTERS = 4
FITTED = ("rate", "concentration", "level_share", "skill_share")
"""Beside the four mean logits of `start`. `floor` and `gamma` trade off against the rate, and
`cut_off` and the spreads are measured before training."""


@dataclass(frozen=True)
class Logged:
    """What training runs of one method logged."""

    method: str
    """Its curriculum, as in `curricula.make`."""
    spent: tuple[float, ...]
    """Rollouts at each evaluation, in rising order."""
    accuracy: Floats
    """Shape (evaluations, 3): levels 2 to 4."""
    zero_variance: Floats
    """Shape (4,): share of groups, by quarter of the run."""

    def __post_init__(self) -> None:
        shapes = self.accuracy.shape, self.zero_variance.shape
        if shapes != ((len(self.spent), len(MEASURED)), (QUARTERS,)) or not self.spent:
            raise UserError(f"{self.method}: logged numbers of shapes {shapes} do not fit together")
        if not np.isfinite(self.accuracy).all() or not np.isfinite(self.zero_variance).all():
            raise UserError(f"{self.method}: logged numbers are not finite")


@dataclass(frozen=True)
class Fit:
    """A regime, and how far it is from the logs: root mean square difference by method."""

    regime: TrainedRegime
    distances: dict[str, float]
    before: dict[str, float]
    """The same of the regime that the fit began with."""


def fit(
    regime: TrainedRegime,
    logs: Sequence[Logged],
    seeds: Sequence[int] = range(6),
    tries: int = 120,
    tell: Callable[[int, float], None] = lambda done, distance: None,
) -> Fit:
    """The regime that is closest to `logs`, of at most `tries` that are simulated."""
    if not logs or tries < 1:
        raise UserError("a fit needs logged runs and at least one try")
    done = 0

    def distance(parameters: Floats) -> float:
        nonlocal done
        tried = _with(regime, parameters)
        found = float(np.mean([_squares(log, simulated(tried, log, seeds)) for log in logs]))
        done += 1
        tell(done, float(np.sqrt(found)))
        return found

    start = _parameters(regime)
    corners = np.vstack([start, start + np.diag([0.4] * len(FITTED) + [0.3] * len(regime.start))])
    best = minimize(
        distance, start, method="Nelder-Mead", options={"initial_simplex": corners, "maxfev": tries}
    )
    fitted = _with(regime, best.x)
    return Fit(fitted, distances(fitted, logs, seeds), distances(regime, logs, seeds))


def distances(
    regime: TrainedRegime, logs: Sequence[Logged], seeds: Sequence[int]
) -> dict[str, float]:
    """Root mean square difference of each method, in the unit of accuracies and shares."""
    return {
        log.method: float(SCALE * np.sqrt(_squares(log, simulated(regime, log, seeds))))
        for log in logs
    }


def simulated(regime: TrainedRegime, log: Logged, seeds: Sequence[int]) -> Logged:
    """What the learner gives where `log` was measured."""
    steps = TRAINED_PROTOCOL.budget // (TRAINED_PROTOCOL.groups * TRAINED_PROTOCOL.group_size)
    protocol = replace(TRAINED_PROTOCOL, budget=int(max(log.spent)), solved=2.0)
    run = Run(regime, protocol, seeds, lambda pool, seed: build(log.method, steps, pool, seed))
    spent, levels, groups, alike = [0.0], [_levels(run)], [0.0], [0.0]
    while not run.done:
        run.step()
        spent.append(float(run.record.spent.mean()))
        levels.append(_levels(run))
        groups.append(float(run.record.groups.sum()))
        alike.append(float(run.record.zero_variance.sum()))
    at = np.array(log.spent)
    curves = np.stack([np.interp(at, spent, level) for level in np.array(levels).T], axis=1)
    ends = np.linspace(0, spent[-1], QUARTERS + 1)
    parts = [np.diff(np.interp(ends, spent, counts)) for counts in (alike, groups)]
    return Logged(log.method, log.spent, curves, parts[0] / np.maximum(parts[1], 1))


def _levels(run: Run) -> Floats:
    """Mean rates of levels 2 to 4 over seeds and skills."""
    rates = run.learner.true_rates(run.record.rows, len(MEASURED) * SKILLS)
    return rates.reshape(len(rates), len(MEASURED), SKILLS).mean(axis=(0, 2))


def _squares(log: Logged, found: Logged) -> float:
    """Mean square difference in units of `SCALE`, curves and shares alike in weight."""
    curves = np.mean((log.accuracy - found.accuracy) ** 2)
    return float((curves + np.mean((log.zero_variance - found.zero_variance) ** 2)) / 2 / SCALE**2)


def _parameters(regime: TrainedRegime) -> Floats:
    """Logarithms of the fitted numbers, and the logits to start from."""
    return np.array([*(np.log(getattr(regime, name)) for name in FITTED), *regime.start])


def _with(regime: TrainedRegime, parameters: Floats) -> TrainedRegime:
    values = np.exp(np.clip(parameters[: len(FITTED)], -6, 3)).tolist()
    named = dict(zip(FITTED, values, strict=True))
    # Shares of what a group teaches: with the unit's own they make up one.
    whole = max(1.0, named["level_share"] + named["skill_share"])
    named |= {name: named[name] / whole for name in ("level_share", "skill_share")}
    return replace(regime, **named, start=tuple(parameters[len(FITTED) :].tolist()))
