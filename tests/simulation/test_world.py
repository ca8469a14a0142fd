"""Worlds: what tasks are made of, and what a curriculum is told about them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from rlskills.simulation import REGIMES, World, make_world

every = pytest.mark.parametrize("name", sorted(REGIMES))


def shape(name: str) -> tuple[str, ...]:
    """Atoms of a learnable unit."""
    return tuple(name.split("."))


def learnable(world: World) -> list[str]:
    return [name for name, kind in zip(world.names, world.kinds, strict=True) if kind == 0]


@every
@pytest.mark.parametrize("seed", [0, 1])
def test_every_kind_of_task_is_there_as_often_as_told(name: str, seed: int):
    regime, world = REGIMES[name], make_world(REGIMES[name], seed)
    assert Counter(len(shape(one)) for one in learnable(world)) == dict(enumerate(regime.tasks, 1))
    assert Counter(world.kinds.tolist()) == Counter(
        {0: sum(regime.tasks), 1: regime.zero, 2: regime.coin, 3: regime.done}
    )
    assert sorted(world.pool.units) == sorted(world.names)
    assert all(len(set(shape(one))) == len(shape(one)) for one in learnable(world))


@every
def test_tasks_share_the_parts_their_atoms_and_depth_name(name: str):
    world = make_world(REGIMES[name], 3)
    atoms, depth = len(world.exercises[0]), len(REGIMES[name].tasks)
    filler = len(world.start)
    for task, unit in enumerate(learnable(world)):
        own = set(world.parts[task].tolist()) - {filler}
        wanted = {int(atom[1:]) - 1 for atom in shape(unit)}
        assert own == wanted | {atoms + glue for glue in range(len(wanted) - 1)}
        assert set(np.flatnonzero(world.exercises[task])) == wanted
    assert len(world.start) == atoms + depth - 1


@pytest.mark.parametrize("name", ["chain", "frontier_heavy", "distractors"])
def test_labels_are_true_where_nothing_is_falsified(name: str):
    world = make_world(REGIMES[name], 0)
    pool, known = world.pool, set(learnable(world))
    for unit in known:
        assert pool.levels[unit] == len(shape(unit))
        assert pool.skills[unit] == shape(unit)
        before = pool.prerequisites[unit]
        assert all(set(shape(one)) < set(shape(unit)) for one in before)
        # All atoms of a composition are reached through what it is composed of.
        covered = {atom for one in before for atom in shape(one)}
        assert covered == (set(shape(unit)) if len(shape(unit)) > 1 else set())
    assert all(set(before) <= known for before in pool.prerequisites.values())


def test_no_label_and_no_place_gives_a_distractor_away():
    worlds = [make_world(REGIMES["distractors"], seed) for seed in range(40)]
    levels = {True: Counter(), False: Counter()}
    first = 0
    for world in worlds:
        known = set(learnable(world))
        for unit, level in world.pool.levels.items():
            levels[unit in known][level] += 1
            assert bool(world.pool.prerequisites[unit]) == (level > 1)
        first += world.pool.units[0] in known
    for level in range(1, 7):
        shares = [levels[kind][level] / levels[kind].total() for kind in (True, False)]
        assert shares[0] == pytest.approx(shares[1], abs=0.03)
    assert 8 <= first <= 32


def test_a_fifth_of_the_levels_is_permuted():
    changed = []
    for seed in range(10):
        right = {one: len(shape(one)) for one in make_world(REGIMES["chain"], seed).names}
        given = make_world(REGIMES["wrong_levels"], seed).pool.levels
        assert sorted(given.values()) == sorted(right.values())
        changed.append(np.mean([given[unit] != right[unit] for unit in right]))
    assert 0.1 < np.mean(changed) <= 0.2


def test_edges_are_dropped_and_made_up():
    for seed in range(5):
        right = make_world(REGIMES["chain"], seed).pool.prerequisites
        given = make_world(REGIMES["wrong_edges"], seed).pool.prerequisites
        true = {(unit, one) for unit, before in right.items() for one in before}
        told = {(unit, one) for unit, before in given.items() for one in before}
        # An edge that was dropped may be made up again.
        assert len(told) == pytest.approx(len(true), abs=1)
        assert 0.15 < len(true - told) / len(true) <= 0.21
        assert 0.15 < len(told - true) / len(true) <= 0.21


def test_worlds_are_of_their_seed_alone():
    make_world.cache_clear()
    one = make_world(REGIMES["chain"], 5)
    make_world.cache_clear()
    make_world(REGIMES["chain"], 4)
    two = make_world(REGIMES["chain"], 5)
    assert one.names == two.names
    assert one.pool == two.pool
    assert (one.start == two.start).all()
    assert one.names != make_world(REGIMES["chain"], 6).names
