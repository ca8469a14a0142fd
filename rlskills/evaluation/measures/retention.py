"""What is kept of earlier tasks, and what earlier tasks give to later ones.

`R[t, i]` is the accuracy on task i after stage t of training, `before[i]` that before any.
Sources: Lopez-Paz and Ranzato (arXiv 1706.08840) for transfer, Chaudhry et al. (arXiv 1801.10112)
for forgetting, which is here positive where something is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...errors import UserError
from .counts import Floats, shares
from .verdicts import Equivalence, tost

MARGIN = 0.02
"""Accuracy that may be lost and still count as nothing, to be fixed before a run."""


@dataclass(frozen=True)
class Retention:
    """Means over tasks; in accuracy."""

    accuracy: float
    """Of all tasks after the last stage."""
    backward: float
    """Change since each task's own stage, of all but the last; negative where tasks were lost."""
    forward: float
    """On each task right before its own stage, over `before`, of all but the first."""
    forgetting: float
    """Best accuracy at an earlier stage minus the last, of all tasks but the last."""


def retention(table: ArrayLike, before: ArrayLike) -> Retention:
    """The four means of `table` (stages, tasks), as many stages as tasks, and `before` (tasks,)."""
    r = np.atleast_2d(shares(table, "accuracies"))
    size = len(r)
    b = shares(before, "accuracies before")
    if r.shape != (size, size) or size < 2 or b.shape not in ((1,), (size,)):
        raise UserError(f"retention needs a stage for each task, two or more, not {r.shape}")
    b = np.broadcast_to(b, (size,))
    own, last = np.diag(r), r[-1]
    return Retention(
        float(last.mean()),
        float((last - own)[:-1].mean()),
        float((np.diag(r, 1) - b[1:]).mean()),
        float((r[:-1].max(axis=0) - last)[:-1].mean()),
    )


def forgets_nothing(after: ArrayLike, earlier: ArrayLike, margin: float = MARGIN) -> Equivalence:
    """Whether accuracy on earlier tasks, one value per seed, is what it was, within `margin`.

    Two one-sided tests on paired seeds. That a difference is not significant shows nothing.
    """
    now, then = shares(after, "accuracies"), shares(earlier, "accuracies")
    if now.shape != then.shape or now.ndim != 1:
        raise UserError("accuracies after and before must be of the same seeds")
    return tost(now - then, margin)


def at_matched(new: ArrayLike, old: ArrayLike, reached: float) -> float:
    """Accuracy on the old task where training first reaches `reached` on the new one.

    `new` and `old` are curves over the same evaluations, in order; in between it is interpolated.
    Forgetting alone rewards whoever learns slowly. Not a number where it never gets there.
    """
    gained, kept = shares(new, "accuracies"), shares(old, "accuracies")
    if gained.shape != kept.shape:
        raise UserError("both curves must have the same evaluations")
    there = np.flatnonzero(gained >= reached)
    if not len(there):
        return float("nan")
    i = int(there[0])
    if i == 0:
        return float(kept[0])
    part = (reached - gained[i - 1]) / (gained[i] - gained[i - 1])
    return float(kept[i - 1] + part * (kept[i] - kept[i - 1]))


def relative(table: ArrayLike) -> Floats:
    """Accuracy on each task over that right after its own stage: shape (stages, tasks).

    Not a number before that stage, and where nothing was learned in it.
    """
    r = np.atleast_2d(shares(table, "accuracies"))
    later = np.arange(len(r))[:, None] >= np.arange(r.shape[1])
    own = np.diag(r)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(later & (own > 0), r / own, np.nan)
