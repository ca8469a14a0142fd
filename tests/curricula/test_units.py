"""From units with labels and a graph of compositions to a graph of units."""

from __future__ import annotations

import pytest

from rlskills.curricula import Labels, make, pool_of
from rlskills.environments.skills import prerequisites_of
from rlskills.environments.types import Task
from rlskills.errors import UserError

from .life import COMPOSED, STRUCTURED, groups, near

GRAPH = {"f>g": ("f", "g"), "g>h": ("g", "h"), "f>g>h": ("f>g", "g>h")}


def label(composition: str, level: int | None = None, kind: str = "") -> Labels:
    return Labels(level, tuple(composition.split(">")), composition, kind)


def test_a_composition_needs_its_parts():
    assert COMPOSED.prerequisites == {
        "f>g": ("f", "g"), "g>h": ("g", "h"), "f>g>h": ("f>g", "g>h"), "h>h": ("h",),
    }  # fmt: skip
    assert COMPOSED.levels["f>g>h"] == 3
    assert COMPOSED.skills["f>g"] == ("f", "g")


def test_a_part_without_a_unit_is_replaced_by_its_own_parts():
    names = ("f", "g", "h", "f>g", "f>g>h")
    pool = pool_of({name: label(name) for name in names}, GRAPH)
    assert pool.prerequisites == {"f>g": ("f", "g"), "f>g>h": ("f>g", "g", "h")}
    assert pool.levels == {}


def test_of_several_units_of_a_part_the_hardest_that_is_no_harder_is_needed():
    units = {f"{name}@L{level}": label(name, level) for level in (1, 2, 4) for name in ("f", "f>g")}
    pool = pool_of({**units, "g@L3": label("g", 3)}, GRAPH)
    assert pool.prerequisites == {
        "f@L2": ("f@L1",),
        "f@L4": ("f@L2",),
        "f>g@L1": ("f@L1", "g@L3"),  # there is no easier unit of g
        "f>g@L2": ("f>g@L1", "f@L2", "g@L3"),
        "f>g@L4": ("f>g@L2", "f@L4", "g@L3"),
    }


def test_without_compositions_units_are_a_ladder_of_levels():
    plain = pool_of({f"L{level}": Labels(level) for level in (1, 2, 3)})
    assert plain.prerequisites == {"L2": ("L1",), "L3": ("L2",)}
    skills = {f"{s}@L{level}": Labels(level, (s,)) for level in (1, 2) for s in "ab"}
    coins = {"coin@L2": Labels(2, kind="coin"), "coin@L1": Labels(1, kind="coin")}
    pool = pool_of({**skills, **coins})
    assert pool.prerequisites == {"a@L2": ("a@L1",), "b@L2": ("b@L1",), "coin@L2": ("coin@L1",)}


def test_units_of_another_kind_are_no_parts():
    units = {"f": label("f"), "flip": label("f", kind="coin"), "f>g": label("f>g", kind="coin")}
    assert pool_of(units, GRAPH).prerequisites == {"f>g": ("flip",)}


def test_the_graph_is_that_of_an_environment():
    chain = Task("e", "train", 3, 0, "p", "a", ("f", "g", "h"), 3, {}, "k")
    graph = prerequisites_of([chain])
    pool = pool_of({name: label(name, name.count(">") + 1) for name in graph}, graph)
    assert pool.prerequisites == {
        "f>g": ("f", "g"), "g>h": ("g", "h"), "f>g>h": ("f>g", "g>h"),
    }  # fmt: skip


def test_a_circle_is_one_clear_line():
    with pytest.raises(UserError, match="cycle"):
        pool_of({"f": label("f"), "g": label("g")}, {"f": ("g",), "g": ("f",)})


@pytest.mark.parametrize("name", STRUCTURED)
def test_names_with_an_arrow_are_names_like_others(name: str):
    teacher = make(name, COMPOSED, 0)
    drawn = {choice.unit for _ in range(200) for choice in teacher.sample(8)}
    assert drawn <= set(COMPOSED.units)
    assert any(">" in unit for unit in drawn)


def test_methods_go_up_the_graph_of_compositions():
    composing = make("composition?rate=1&epsilon=0.07", COMPOSED, 0)
    open_at_first = composing.probabilities()
    assert {unit for unit, p in open_at_first.items() if p > 0.1} == {"f", "g", "h"}
    composing.observe(groups(("f", 1.0), ("g", 1.0)))
    assert {unit for unit, p in composing.probabilities().items() if p > 0.1} == {"f>g", "h"}
    down = make("ladder?epsilon=0.28", COMPOSED, 0)
    down.observe(groups(("f>g>h", 0.0)))
    near(down, [0.04, 0.04, 0.04, 0.4, 0.4, 0.04, 0.04])
