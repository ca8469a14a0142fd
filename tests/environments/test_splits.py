"""Content decides the split: hold-outs first, then a hash of the problem."""

import random
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlskills.environments import Draft, Environment, Holdout
from rlskills.environments.splits import SPLITS, hashed_split

skills = st.lists(st.sampled_from("fghk"), max_size=4).map(tuple)
keys = st.text(alphabet="0123456789abcdef", min_size=1)


class Chain(Environment):
    """Nested letters: `depth` skills, each drawn from four."""

    @dataclass(frozen=True)
    class Config(Environment.Config):
        depth: int = 1

    levels = ({"depth": 1}, {"depth": 2}, {"depth": 3})
    name = "chain_of_letters"
    test_percent = 30
    holdout = Holdout(frozenset("k"), frozenset({("f", "g")}), depth_above=2)

    def make(self, rng: random.Random, cfg: Config) -> Draft:
        used = tuple(rng.choice("fghk") for _ in range(cfg.depth))
        x = rng.randrange(1000)
        return Draft(f"{''.join(used)}({x})", f"{x}", skills=used, depth=cfg.depth)


def test_without_holdouts_there_are_train_and_test_only():
    assert Holdout().splits == ("train", "test")
    assert Chain.holdout.splits == SPLITS


@pytest.mark.parametrize(
    ("used", "depth", "owner"),
    [
        (("k",), 1, None),  # a held-out skill may be taught alone
        (("k", "f"), 2, "ood_skill"),
        (("f", "k", "h"), 3, "ood_skill"),
        (("f", "g"), 2, "ood_pair"),
        (("g", "f"), 2, None),  # pairs have an order
        (("f", "h", "g"), 2, None),  # and are neighbours
        (("h", "h", "h"), 3, "ood_depth"),
        (("h", "f", "g"), 3, "ood_pair"),  # pair before depth
        ((), 1, None),
    ],
)
def test_holdouts_own_what_composes_them(used, depth, owner):
    assert Chain.holdout.split_of(used, depth) == owner


@given(keys, st.integers(0, 100))
def test_the_hash_gives_train_or_test_and_grows_with_the_share(key, percent):
    assert hashed_split(key, 0) == "train"
    assert hashed_split(key, 100) == "test"
    if hashed_split(key, percent) == "test":
        assert hashed_split(key, min(100, percent + 1)) == "test"


def test_the_share_of_test_is_what_was_asked_for():
    share = sum(hashed_split(str(key), 10) == "test" for key in range(5000)) / 5000
    assert 0.08 < share < 0.12


@given(skills, st.integers(1, 4), keys, st.integers(), st.integers())
def test_the_owner_depends_on_content_only(used, depth, key, seed, other_seed):
    one, other = Chain(seed=seed), Chain(seed=other_seed, reward="paper")
    assert one.split_of(used, depth, key) == other.split_of(used, depth, key)
    assert one.split_of(used, depth, key) in SPLITS


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 2**31))
def test_splits_are_disjoint_between_any_two_seeds(seed, other_seed):
    def keys_of(env, split):
        levels = {"ood_depth": (3,), "ood_skill": (2, 3), "ood_pair": (2, 3)}.get(split, (1, 2))
        return {env.task(split, level, n).key for level in levels for n in range(20)}

    one, other = Chain(seed=seed), Chain(seed=other_seed)
    for split in SPLITS:
        for another in SPLITS:
            if split != another:
                assert not keys_of(one, split) & keys_of(other, another)


def test_every_split_holds_what_it_says():
    env = Chain()
    for n in range(100):
        assert "k" in env.task("ood_skill", 2, n).skills
        assert env.task("ood_pair", 2, n).skills == ("f", "g")
        assert env.task("ood_depth", 3, n).depth == 3
        for split in ("train", "test"):
            assert "k" not in env.task(split, 2, n).skills
            assert env.task(split, 2, n).skills != ("f", "g")
