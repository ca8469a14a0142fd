"""The continuous twin: which cells open, what counts, and that an oracle beats uniform draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rlskills.curricula import BoxPool, Choice, Uniform
from rlskills.curricula.boxes import UniformBox
from rlskills.errors import UserError
from rlskills.simulation.box import BOXES, BoxProtocol, BoxRegime, BoxRun, Grid, play_box
from rlskills.simulation.references import BoxOracle

PROTOCOL = BoxProtocol(budget=6_400)


def opened(rule: str, mastered: set[tuple[int, int]]) -> set[tuple[int, int]]:
    grid = Grid(BoxRegime("g", "", cells=3, rule=rule), PROTOCOL, 0)
    flags = np.array([place in mastered for place in grid.places])
    return {(place[0], place[1]) for i, place in enumerate(grid.places) if grid.open(i, flags)}


def test_any_neighbour_below_opens_a_cell_or_all_must():
    corner = {(0, 0)}
    assert opened("or", set()) == opened("and", set()) == corner
    assert opened("or", corner) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert opened("and", corner) == {(0, 0), (0, 1), (1, 0)}
    assert opened("and", {(0, 0), (0, 1), (1, 0)}) >= {(1, 1), (0, 2), (2, 0)}
    assert (1, 2) not in opened("and", {(0, 0), (0, 1), (0, 2), (1, 0)})


def test_competence_grows_by_visits_to_open_cells_only():
    grid = Grid(BoxRegime("g", "", cells=2, dims=1), PROTOCOL, 0)
    assert not grid.visit(1)
    visits = 0
    while not grid.visit(1):
        assert grid.visit(0)
        visits += 1
    assert visits == 19
    assert grid.competence[0] == pytest.approx(19 * PROTOCOL.gain)
    assert grid.share() == 0.5
    for _ in range(50):
        grid.visit(0)
    assert grid.competence.max() == 1.0


def test_points_fall_into_cells_and_useless_directions_do_not_count():
    grid = Grid(BOXES["box_useless"], PROTOCOL, 0)
    assert grid.places[grid.cell((0.05, 0.99, 0.3, 0.9))] == (0, 9)
    assert grid.cell((0.55, 0.2, 0.0, 1.0)) == grid.cell((0.55, 0.2, 1.0, 0.0))
    assert grid.places[grid.cell((1.0, 1.0, 0.0, 0.0))] == (9, 9)


def test_blocked_cells_are_never_open_nor_counted():
    grid = Grid(BOXES["box_blocked"], PROTOCOL, 1)
    assert 0.1 < grid.blocked.mean() < 0.4
    assert not grid.blocked[0]
    assert not grid.reachable[grid.blocked].any()
    assert not any(grid.visit(int(cell)) for cell in np.flatnonzero(grid.blocked))


@pytest.mark.parametrize("name", sorted(BOXES))
def test_the_oracle_beats_uniform_draws(name: str):
    best, plain = (play_box(BOXES[name], PROTOCOL, (0, 1), cls) for cls in (BoxOracle, UniformBox))
    assert all(a.auc > b.auc for a, b in zip(best, plain, strict=True))
    assert all(0 < one.tail <= 1 and one.spent == PROTOCOL.budget for one in best)


def test_results_are_deterministic():
    again = [play_box(BOXES["box_noise"], PROTOCOL, (4,), UniformBox)[0] for _ in range(2)]
    assert len({replace(one, microseconds=0.0) for one in again}) == 1


class Wide(UniformBox):
    def sample(self, k: int) -> list[Choice]:
        return [replace(choice, params=(0.5,)) for choice in super().sample(k)]


@pytest.mark.parametrize("cls", [Uniform, Wide])
def test_a_choice_of_the_wrong_size_is_one_clear_error(cls: Any):
    with pytest.raises(UserError, match="the box has 2 directions"):
        BoxRun(BOXES["box"], PROTOCOL, 0, cls).play()


def test_uniform_draws_fill_the_box():
    pool = BoxPool(low=(-1.0, 2.0), high=(1.0, 5.0))
    points = np.array([choice.params for choice in UniformBox(pool, 3).sample(4000)])
    np.testing.assert_allclose(points.min(axis=0), pool.low, atol=0.02)
    np.testing.assert_allclose(points.max(axis=0), pool.high, atol=0.02)
    np.testing.assert_allclose(points.mean(axis=0), (0.0, 3.5), atol=0.1)
