"""Random streams: addressed by content, independent of each other and of the process."""

import os
import random
import subprocess
import sys
from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlskills.environments.seeding import digest, rng_of, seed_from, stream_key

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_digest_is_pinned_so_that_tasks_stay_the_same_between_releases():
    assert digest("env", 1, {"b": [1, None], "a": "é"}) == "f6f07e8562409603d8ac6a655f29c3e3"


def test_digest_has_the_size_asked_for_in_bytes():
    assert len(digest("x")) == 32
    assert len(digest("x", size=4)) == 8


def test_digest_takes_half_characters():
    assert digest("\ud800") != digest("\ud801")


def test_what_is_not_json_is_an_error():
    with pytest.raises(TypeError):
        digest({1, 2})


@given(json_values, json_values)
def test_digests_are_equal_only_for_equal_parts(one, other):
    assert digest(one) == digest(one)
    # In Python True == 1, in JSON it does not.
    if repr(one) != repr(other) and one != other:
        assert digest(one) != digest(other)


def test_parts_are_not_run_together():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest(1) != digest("1")


def test_key_order_does_not_matter():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_neighbouring_seeds_are_not_shifted_copies():
    draws = {
        seed: [rng_of(seed, "env", index).random() for index in range(200)] for seed in (42, 43)
    }
    assert not set(draws[42]) & set(draws[43])


def test_streams_ignore_and_leave_alone_the_global_generator():
    random.seed(1)
    before = random.getstate()
    first = rng_of("a", 0).random()
    assert random.getstate() == before
    random.seed(2)
    assert rng_of("a", 0).random() == first


@given(st.integers(), st.text())
def test_seeds_for_other_generators_fit_63_bits(seed, name):
    assert 0 <= seed_from(seed, name) < 2**63


def test_another_process_with_another_hash_seed_draws_the_same():
    code = (
        "from rlskills.environments.seeding import digest, rng_of;"
        "print(digest('x', {'b': 1, 'a': 2}), rng_of(0, 'env').random())"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=env | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }
    assert answers == {f"{digest('x', {'b': 1, 'a': 2})} {rng_of(0, 'env').random()}"}


def test_dates_name_a_stream_by_their_value():
    """Datasets of reasoning-gym have them; their streams are those of before."""

    @dataclass(frozen=True)
    class Config:
        first: date = date(2022, 1, 1)

    name = Config.__qualname__
    assert stream_key(Config()) == f"{name}(first=datetime.date(2022, 1, 1))"
