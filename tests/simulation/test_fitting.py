"""The simulated learner fitted to logs: it finds back what made them, and refuses what is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rlskills.errors import UserError
from rlskills.simulation.fitting import Logged, distances, fit, simulated
from rlskills.simulation.trained import TRAINED

OPEN = TRAINED["few_groups_open"]
SPENT = (0.0, 2560.0, 5120.0, 7680.0)
ASKED = Logged("uniform", SPENT, np.zeros((4, 3)), np.zeros(4))


def test_what_a_regime_gives_is_found_back():
    truth = replace(OPEN, rate=0.6, start=(0.6, -0.5, -1.2, -2.2))
    seeds = range(3)
    log = simulated(truth, ASKED, seeds)
    assert log.accuracy[0, 0] > simulated(OPEN, ASKED, seeds).accuracy[0, 0] + 0.05
    assert (np.diff(log.accuracy, axis=0) > -0.02).all()
    assert (log.zero_variance > 0.3).all()
    assert (log.zero_variance < 1).all()
    assert distances(truth, [log], seeds) == {"uniform": 0.0}
    told: list[float] = []
    found = fit(OPEN, [log], seeds, tries=40, tell=lambda done, distance: told.append(distance))
    assert found.distances["uniform"] < 0.5 * found.before["uniform"]
    assert len(told) <= 40
    assert min(told) < told[0]
    assert found.regime.start[0] > OPEN.start[0]
    assert 0 < found.regime.level_share + found.regime.skill_share <= 1


def test_methods_that_resample_and_choose_are_simulated_alike():
    for method in ("sec", "dapo?max_resamples=1"):
        log = simulated(OPEN, replace(ASKED, method=method), range(2))
        assert log.accuracy.shape == (4, 3)
        assert log.accuracy[-1].mean() > log.accuracy[0].mean()


def test_logs_that_do_not_fit_together_are_refused():
    with pytest.raises(UserError, match="do not fit together"):
        replace(ASKED, accuracy=np.zeros((3, 3)))
    with pytest.raises(UserError, match="not finite"):
        replace(ASKED, zero_variance=np.array([0, 0, 0, np.nan]))
    with pytest.raises(UserError, match="at least one try"):
        fit(OPEN, [], range(2))
