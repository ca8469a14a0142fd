"""Methods that use structure or hidden states, on examples done by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.curricula import Choice, Outcome, Pool
from rlskills.curricula import graph as graph_module
from rlskills.curricula.graph import Graph, estimate_graph, transfer_edges
from rlskills.curricula.methods import mastering_rate
from rlskills.curricula.methods.gain_rl import angle_concentration
from rlskills.errors import UnknownName, UserError

from .life import CHAIN, POOL, UNITS, curriculum, groups, near


def test_skill_it_weights_help_too():
    teacher = curriculum("skill_it?eta=1&every=1", CHAIN)
    # All losses are 1; each of two parts has half of the .5.
    start = np.array([1 + 0.25 * 2, 1 + 0.25, 1 + 0.25, 1])
    near(teacher, np.exp(start) / np.exp(start).sum())
    teacher.sample(1)
    teacher.observe(groups(("f", 1.0), ("g", 1.0), ("fg", 0.5)))
    loss = np.array([0, 0, 0.5, 1])  # fgf did not come up and keeps its loss
    total = loss + 0.25 * np.array([0.5 + 1, 0.5, 1, 0])
    near(teacher, np.exp(total) / np.exp(total).sum())
    teacher.sample(1)
    teacher.observe(groups(("fg", 1.0)))
    np.testing.assert_allclose(teacher.history.sum(1), [0, 0, 0.5, 2])


@pytest.mark.parametrize("uses", [1, 3, 40])
def test_skill_it_is_not_swallowed_by_a_part_of_many_units(uses: int):
    """What a part helps is shared by all parts, so its weight does not explode with its uses."""
    wide = [f"w{i}" for i in range(uses)]
    parts = [f"p{i}" for i in range(uses)]
    pool = Pool((*parts, *wide), prerequisites=dict.fromkeys(wide, tuple(parts)))
    teacher = curriculum("skill_it?every=1", pool)
    for _ in range(4):
        teacher.sample(4)
        teacher.observe(groups(*((unit, 0.0) for unit in pool.units)))
    chances = list(teacher.probabilities().values())
    # Three losses of 1 and half of those of one dependent unit: exp(.5 (3 + 1.5)) against
    # exp(.5 * 3), however many units the parts serve.
    assert chances[0] / chances[-1] == pytest.approx(math.exp(0.75))


def test_skill_it_with_edges_of_its_own():
    teacher = curriculum("skill_it", ["a", "b"], eta=1.0, edges={"a": {"b": 0.25}})
    near(teacher, np.exp([1.25, 1]) / np.exp([1.25, 1]).sum())
    with pytest.raises(UnknownName, match="unit in the edges"):
        curriculum("skill_it", ["a", "b"], edges={"a": {"z": 1.0}})
    with pytest.raises(UserError, match="not of type"):
        curriculum("skill_it", ["a", "b"], edges={"a": {"b": math.nan}})
    with pytest.raises(UserError, match="weight -1"):
        curriculum("skill_it", ["a", "b"], edges={"a": {"b": -1.0}})


def test_a_graph_is_estimated_from_transfer():
    """A learner whose loss on `fg` only falls with practice of `f` and `g` as well."""

    def train(units: Sequence[str]) -> Mapping[str, float]:
        share = 12 / len(units)
        known = {unit: 1 - 0.9 ** (share if unit in units else 0) for unit in ("f", "g", "h")}
        own = 1 - 0.9 ** (share if "fg" in units else 0)
        return {unit: 1 - known[unit] for unit in known} | {
            "fg": 1 - own * (0.1 + 0.9 * max(known["f"], known["g"]))
        }

    edges = estimate_graph(train, ["f", "g", "h", "fg"])
    assert edges == {("f", "fg"): 0.5, ("g", "fg"): 0.5}
    assert estimate_graph(train, ["f", "g", "h", "fg"], margin=0.9) == {}
    with pytest.raises(UserError, match="no finite loss"):
        transfer_edges({"a": 1.0}, {("a", "b"): 0.5})


def test_stat_profile_and_selection():
    teacher = curriculum("stat_sel?decay=1&epsilon=0.1", CHAIN)
    teacher.observe(groups(("f", 1.0), ("fg", 0.5), ("fg", 0.5)))
    rate = (np.array([1.0, 1.0]) + 1e-3) / (np.array([3.0, 2.0]) + 1e-3)
    np.testing.assert_allclose(teacher.profile.rate(), rate)
    wanted = np.array([rate[0], rate[1], rate.mean(), rate.mean()])
    near(teacher, 0.9 * wanted / wanted.sum() + 0.1 / 4)
    assert teacher.metrics()["missing/f"] == pytest.approx(rate[0])


def test_stat_blames_the_skill_that_is_missing_and_not_those_beside_it():
    tags = {"x": ("x",), "y": ("y",), "xy": ("x", "y")}
    teacher = curriculum("stat_sel?decay=1", Pool(tuple(tags), skills=tags))
    for _ in range(60):
        teacher.observe(groups(("x", 1.0), ("y", 0.0), ("xy", 0.0)))
    x, y = teacher.profile.rate()
    assert x < 0.1 < 0.9 < y  # blamed alike, x would come to one half
    chances = teacher.probabilities()
    assert chances["y"] > 1.5 * chances["xy"] > 3.0 * chances["x"]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 6), st.floats(0, 1)), min_size=1, max_size=6), max_size=12
    )
)
def test_stat_shares_out_every_failure_and_blames_no_skill_for_more(steps):
    teacher = curriculum("stat_sel?decay=1", POOL)
    profile = teacher.profile
    for step in steps:
        before, met = profile.missed.copy(), profile.met.copy()
        outcomes = [Outcome(Choice(UNITS[unit]), (rate,), 1) for unit, rate in step]
        teacher.observe(outcomes)
        blamed = profile.missed - before
        failed = sum(1 - rate for _, rate in step)
        assert blamed.sum() >= failed - 1e-9  # something was missing in each
        assert (blamed <= profile.met - met + 1e-9).all()
        assert ((profile.rate() > 0) & (profile.rate() <= 1)).all()


def test_stat_syn_wants_what_was_practised_least():
    teacher = curriculum("stat_syn?decay=1&epsilon=0.1", CHAIN)
    teacher.observe(groups(("f", 1.0), ("fg", 0.5), ("fg", 0.5)))
    f, g = teacher.profile.rate()
    # fgf is the only one with f that was never practised; with g there are g and fgf
    wanted = np.array([0, g / 2, 0, f + g / 2])
    near(teacher, 0.9 * wanted / wanted.sum() + 0.1 / 4)


@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=4), max_size=15))
def test_stat_syn_keeps_track_of_what_was_practised_least(steps: list[list[int]]):
    teacher = curriculum("stat_syn?decay=1&epsilon=0.1", POOL)
    for step in steps:
        teacher.observe(groups(*((UNITS[unit], 0.5) for unit in step)))
    rate = dict(zip(teacher.profile.keys, teacher.profile.rate().tolist(), strict=True))
    units = list[str](UNITS)
    practised = dict(zip(units, teacher.practised.tolist(), strict=True))
    wanted = dict.fromkeys(units, 0.0)
    for skill, missing in rate.items():
        having = [unit for unit in units if skill in POOL.skills[unit]]
        fewest = min(practised[unit] for unit in having)
        least = [unit for unit in having if practised[unit] == fewest]
        for unit in least:
            wanted[unit] += missing / len(least)
    shares = np.array(list(wanted.values()))
    near(teacher, 0.9 * shares / shares.sum() + 0.1 / len(UNITS))


def test_stat_syn_proposes_new_combinations_of_missing_skills():
    tags = {"p": ("x",), "q": ("y",), "r": ("z",), "xy": ("x", "y")}
    teacher = curriculum("stat_syn?decay=1", Pool(tuple(tags), skills=tags))
    for _ in range(50):
        teacher.observe(groups(("p", 0.0), ("q", 0.5), ("r", 0.75)))
    proposed = [teacher.propose(1)[0] for _ in range(60)]
    assert set(proposed) <= {("x", "z"), ("y", "z")}  # x with y is there already
    assert proposed.count(("x", "z")) > 30
    assert sorted(teacher.propose(5)) == [("x", "z"), ("y", "z")]
    assert teacher.propose(3, width=4) == []


def test_ladder_goes_down_after_failure_and_back_after_success():
    teacher = curriculum("ladder?enough=0.5&epsilon=0.2", CHAIN)
    near(teacher, [0.25] * 4)
    teacher.observe(groups(("fgf", 0.0)))
    assert teacher.demand.tolist() == [0.5, 0, 0.5, 0]
    near(teacher, [0.45, 0.05, 0.45, 0.05])
    teacher.observe(groups(("fg", 0.25), ("f", 1.0)))
    assert teacher.demand.tolist() == [0.375, 0.375, 0.25, 0]
    teacher.observe(groups(("f", 0.5), ("g", 0.75), ("fg", 1.0)))
    near(teacher, [0.25] * 4)


def test_composition_moves_up_with_what_is_mastered():
    teacher = curriculum("composition?rate=1&epsilon=0.2", CHAIN)
    near(teacher, [0.45, 0.45, 0.05, 0.05])
    teacher.observe(groups(("f", 1.0)))
    near(teacher, [0.05, 0.85, 0.05, 0.05])
    teacher.observe(groups(("g", 1.0)))
    near(teacher, [0.05, 0.05, 0.85, 0.05])
    assert teacher.propose(3) == []  # f with g is fg already
    teacher.observe(groups(("fg", 1.0)))
    assert set(teacher.propose(9)) == {("g", "fg"), ("fg", "g")}


def test_a_large_graph_gives_the_same_weakest_parts():
    units = tuple(f"u{i}" for i in range(60))
    rng = np.random.default_rng(0)
    edges = {
        units[i]: tuple(units[j] for j in rng.choice(i, 2, replace=False)) for i in range(10, 60)
    }
    graph = Graph(Pool(units, prerequisites=edges), "test")
    competence = rng.random(60)
    table = graph.weakest_part(competence)
    graph._table = None
    np.testing.assert_array_equal(graph.weakest_part(competence), table)
    parts = [units.index(part) for part in edges["u10"]]
    assert table[10] == competence[parts].min()


@given(st.integers(0, 2**16), st.lists(st.integers(0, 8), min_size=1, max_size=6))
@settings(deadline=None, max_examples=30)
def test_the_weakest_parts_follow_a_few_changes(seed: int, changes: list[int]):
    """Bit for bit what working all of them out again gives."""
    rng = np.random.default_rng(seed)
    units = tuple(f"u{i}" for i in range(40))
    edges = {
        units[i]: tuple(units[j] for j in rng.choice(i, int(rng.integers(1, 4)), replace=False))
        for i in range(8, 40)
        if rng.random() < 0.8
    }
    pool = Pool(units, prerequisites=edges or {units[9]: (units[0],)})
    graph = Graph(pool, "test")
    competence = rng.random(40)
    weakest = graph.weakest_part(competence)
    for number in changes:
        changed = rng.choice(40, number, replace=False)
        competence[changed] = rng.random(number).round(1)
        before = weakest.copy()
        touched = graph.follow(competence, weakest, changed)
        np.testing.assert_array_equal(weakest, graph.weakest_part(competence))
        assert set(np.flatnonzero(weakest != before)) <= set(touched.tolist())


def test_a_large_pool_opens_as_a_small_one_does(monkeypatch):
    """Prerequisites and mastering rate, with all tables and with what only follows changes."""
    units = tuple(f"u{i}" for i in range(30))
    edges = {units[i]: (units[i - 3], units[i - 5]) for i in range(6, 30)}
    pool = Pool(units, prerequisites=edges)
    for spec in ("with_prerequisites", "mastering_rate?window=2"):
        teachers = [curriculum(spec, pool)]
        monkeypatch.setattr(graph_module, "TABLE", 0)
        monkeypatch.setattr(mastering_rate, "DENSE", 0)
        teachers.append(curriculum(spec, pool))
        monkeypatch.undo()
        for step in range(60):
            drawn = [[choice.unit for choice in teacher.sample(4)] for teacher in teachers]
            assert drawn[0] == drawn[1]
            rates = [(unit, ((step + 5 * i) % 60) / 60) for i, unit in enumerate(drawn[0])]
            for teacher in teachers:
                teacher.observe(groups(*rates, step=step))
            chances = [list(teacher.probabilities().values()) for teacher in teachers]
            np.testing.assert_allclose(chances[0], chances[1], rtol=1e-9)
        monkeypatch.setattr(graph_module, "TABLE", 0)
        monkeypatch.setattr(mastering_rate, "DENSE", 0)
        again = curriculum(spec, pool)
        again.load_state_dict(teachers[1].state_dict())
        monkeypatch.undo()
        assert again.probabilities() == teachers[1].probabilities()


def test_gain_rl_goes_down_the_ranks():
    units = [f"u{i}" for i in range(20)]
    teacher = curriculum("gain_rl?width=0.05&stride=0.1", units)
    told = [
        Outcome(Choice(unit), (1.0, 0.0), 1, features=(-i / 10,)) for i, unit in enumerate(units)
    ]
    teacher.observe(told)
    assert teacher.ranks().tolist() == list(range(20))
    assert teacher.centre == 0  # reward .5 does not move it, a negative angle would move it back
    teacher.observe([Outcome(Choice("u0"), (1.0,), 2, features=(0.0,))])
    assert teacher.centre == pytest.approx(min(2 * math.tanh(1), 1))
    teacher.centre = 10.0
    drawn = [choice.unit for _ in range(50) for choice in teacher.sample(2)]
    assert np.mean([abs(units.index(unit) - 10) <= 2 for unit in drawn]) > 0.9
    with pytest.raises(UserError, match="feature"):
        teacher.observe([Outcome(Choice("u0"), (1.0,), 2, features=(math.nan,))])


def test_angle_concentration():
    states = np.array([[1.0, 0], [2.0, 0], [0, 3.0], [0, 1.0]])
    assert angle_concentration(states, 2) == pytest.approx(1 + 8 * 0)
    assert angle_concentration(np.ones((4, 2)), 1) == pytest.approx(1 + 8)
    mixed = np.array([[1.0, 0], [0, 1.0], [1.0, 0]])
    assert angle_concentration(mixed, 1) == pytest.approx(0 + 8 * 0.5)
    for bad in (0, 4):
        with pytest.raises(UserError, match="cannot be split"):
            angle_concentration(states, bad)
    with pytest.raises(UserError, match="zero"):
        angle_concentration(np.zeros((3, 2)), 1)
