"""What training runs logged of their curricula, for a simulated learner to be fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..runs import tags
from ..simulation.fitting import QUARTERS, Logged
from ..simulation.trained import MEASURED
from ..stats import Array
from .reading import load_runs
from .run import Run, arms


def logged_curricula(study: Path, group: str = "train") -> list[Logged]:
    """Each arm of a study of curricula, its seeds taken together; `group` of eval sets is measured.

    A `UserError` where no arm has a curriculum, or seeds were not evaluated alike.
    """
    found = []
    for pool in arms(load_runs([study])).values():
        if method := pool[0].config.get("curriculum"):
            found.append(_of(str(method), pool, group))
    if not found:
        raise UserError(f"{study}: no arm that says which curriculum it had")
    return found


def _of(method: str, pool: Sequence[Run], group: str) -> Logged:
    wanted = [tags.eval_greedy((group, level)) for level in MEASURED]
    spent, curves, alike = [], [], []
    for run in pool:
        points = [r for r in run.records if all(tag in r.metrics for tag in wanted)]
        spent.append(tuple(record.budgets["rollouts"] for record in points))
        curves.append([[record.metrics[tag] for tag in wanted] for record in points])
        alike.append(_quarters(run))
    if len({len(each) for each in spent}) > 1 or not spent[0]:
        raise UserError(f"{method}: seeds were not evaluated alike on {', '.join(wanted)}")
    budgets = np.mean(spent, axis=0)
    return Logged(method, tuple(budgets.tolist()), np.mean(curves, axis=0), np.mean(alike, axis=0))


def _quarters(run: Run) -> Array:
    """Share of groups without variance in each quarter of a run."""
    shares = [record.metrics[tags.SHARE_ZERO_VARIANCE] for record in run.records
              if tags.SHARE_ZERO_VARIANCE in record.metrics]  # fmt: skip
    if len(shares) < QUARTERS:
        raise UserError(f"{run}: {tags.SHARE_ZERO_VARIANCE} was logged {len(shares)} times only")
    return np.array([float(np.mean(part)) for part in np.array_split(shares, QUARTERS)])
