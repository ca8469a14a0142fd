"""Skills as such: twins, prerequisites, and combinations that were never trained on."""

from __future__ import annotations

import random
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.curricula.pool import Pool
from rlskills.environments import Draft, Environment, SkillMix, Task, load, never_trained, twins
from rlskills.environments.environment import EmptySplit
from rlskills.environments.skills import NOTHING, prerequisites_of, share_never_trained
from rlskills.errors import UserError


def task(*skills: str) -> Task:
    return Task("env", "train", 1, 0, "", "", skills, len(skills), {}, "key")


def test_twins_agree_on_every_case_and_near_ones_on_most():
    table = {"double": lambda x: 2 * x, "add": lambda x: x + x, "square": lambda x: x * x}
    assert [(one, other) for one, other, _ in twins(table, range(10))] == [("double", "add")]
    near = twins(table, range(1, 3), at_least=0.5)
    assert near[0].agreement == 1
    assert {(one, other) for one, other, share in near if share == 0.5} == {
        ("double", "square"),
        ("add", "square"),
    }


def test_the_papers_functions_have_twins_and_ours_have_none():
    found = {}
    for preset in ("paper", "clean", "tiny"):
        env = load(f"string_transform?preset={preset}")
        cases = list(islice(env.cases(random.Random(0)), 300))
        pairs = twins(env.behaviours(), cases, at_least=0.9)
        found[preset] = {(one, other) for one, other, share in pairs if share == 1}
        if preset == "paper":
            assert ("func_9", "func_24") in {(one, other) for one, other, _ in pairs}
    assert found["paper"] == {
        (NOTHING, "func_4"), ("func_1", "func_18"), ("func_7", "func_20"), ("func_8", "func_19"),
    }  # fmt: skip
    assert found["clean"] == found["tiny"] == set()


def test_prerequisites_are_one_skill_shorter():
    assert prerequisites_of([task("f", "g", "h"), task("f", "f"), task()]) == {
        "f": (), "g": (), "h": (), "f>f": ("f",), "f>g": ("f", "g"), "g>h": ("g", "h"),
        "f>g>h": ("f>g", "g>h"),
    }  # fmt: skip


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=5))
def test_a_prerequisite_graph_is_one_that_a_pool_of_units_takes(chains: list[list[str]]):
    graph = prerequisites_of(task(*chain) for chain in chains)
    if graph:
        pool = Pool(tuple(graph), prerequisites={u: p for u, p in graph.items() if p})
        assert set(pool.units) == set(graph)
    assert all(">".join(chain) in graph for chain in chains if chain)


def test_an_environment_exports_its_graph():
    env = load("string_transform?preset=tiny&functions=train&common=58")  # three functions
    graph = env.prerequisites([1, 2], draws=100)
    atoms = [unit for unit in graph if ">" not in unit]
    assert atoms == sorted(env.skills())
    assert graph[f"{atoms[0]}>{atoms[1]}"] == (atoms[0], atoms[1])
    assert env.prerequisites([1], draws=3) == dict.fromkeys(env.prerequisites([1], draws=3), ())


@settings(max_examples=20, deadline=None)
@given(st.integers(3, 8), st.integers(1, 3), st.integers(0, 2), st.integers(0, 40), st.integers())
def test_the_chance_of_never_trained_is_what_sampling_gives(n, k, more, draws, seed):
    size = min(n, k + more)
    rng, names = random.Random(seed), [f"s{i}" for i in range(n)]
    shares = []
    for _ in range(300):
        trained = [rng.sample(names, size) for _ in range(draws)]
        shares.append(share_never_trained(trained, [rng.sample(names, k)], k))
    chance = never_trained(n, k, draws, size)
    spread = (chance * (1 - chance) / 300) ** 0.5
    assert sum(shares) / 300 == pytest.approx(chance, abs=5 * spread + 0.01)


def test_the_chance_of_never_trained_at_its_ends():
    assert never_trained(10, 3, 0) == 1
    assert never_trained(3, 3, 1) == 0
    assert never_trained(3, 3, 0) == 1
    assert never_trained(101, 5, 10**6) == pytest.approx(0.9874, abs=1e-4)
    with pytest.raises(ValueError, match="impossible"):
        never_trained(3, 4, 1)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_mix_asks_for_k_different_skills_of_its_split(k: int):
    env = load("string_transform?functions=all")
    n = len(env.skills())
    assert SkillMix(env, k).never_trained(100) == never_trained(n, k, 100)
    for split in ("train", "ood_skill") if k > 1 else ("train", "test"):
        mix = SkillMix(env, k, split=split)
        tasks = [mix.task(index) for index in range(30)]
        assert tasks == [SkillMix(env, k, split=split).task(index) for index in range(30)]
        for one in tasks:
            assert len(set(one.skills)) == one.depth == k
            assert env.split_of(one.skills, one.depth, one.key) == split
            assert env.score(one, env.solution(one)).correct
        assert len({frozenset(one.skills) for one in tasks}) > 5


def test_every_combination_is_equally_likely():
    env = load("string_transform?preset=tiny&functions=train&common=56")  # four functions
    counts: dict[frozenset[str], int] = {}
    mix = SkillMix(env, 2, split="train")
    for index in range(600):
        combo = frozenset(mix.task(index).skills)
        counts[combo] = counts.get(combo, 0) + 1
    assert len(counts) == 6
    assert all(count == pytest.approx(100, rel=0.4) for count in counts.values())


class Fixed(Environment):
    name = "fixed"
    levels = ({}, {}, {})

    def skills(self):
        return ("a", "b")

    def make(self, rng, cfg):
        return Draft("?", "!", ("a",))


class Composing(Fixed):
    def compose(self, rng, cfg, skills):
        return Draft("?", "!", skills)


def test_what_a_mix_cannot_be_made_of():
    with pytest.raises(UserError, match="fixed names 2 skills, fewer than k=3"):
        SkillMix(Fixed(), 3)
    with pytest.raises(UserError, match="defines no `compose`"):
        SkillMix(Fixed(), 2)
    split = (Composing().task_of(Draft("?", "!"), "test", 1, 0) and "train") or "test"
    with pytest.raises(EmptySplit, match=f"no combination of 2 skills is in '{split}'"):
        SkillMix(Composing(), 2, split=split).task(0)
