"""Each method's own mathematics, on examples done by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from rlskills.curricula import Base, Choice, Outcome, Pool, make
from rlskills.curricula.graph import Graph, estimate_graph, transfer_edges
from rlskills.curricula.methods.gain_rl import angle_concentration
from rlskills.curricula.methods.vcrl import variance
from rlskills.errors import UnknownName, UserError

LEVELS = Pool(("a", "b", "c", "d"), levels={"a": 1, "b": 1, "c": 2, "d": 3})
CHAIN = Pool(
    ("f", "g", "fg", "fgf"),
    levels={"f": 1, "g": 1, "fg": 2, "fgf": 3},
    prerequisites={"fg": ("f", "g"), "fgf": ("fg", "f")},
    skills={"f": ("f",), "g": ("g",), "fg": ("f", "g"), "fgf": ("f", "g")},
)


def curriculum(spec: str, pool: Pool | Sequence[str] = LEVELS, **options: Any) -> Any:
    return make(spec, pool, 0, **options)


def groups(*results: tuple[str, float], step: int = 1, size: int = 4) -> list[Outcome]:
    """Groups of binary rewards with these means."""
    made = []
    for unit, mean in results:
        right = round(mean * size)
        rewards = (1.0,) * right + (0.0,) * (size - right)
        made.append(Outcome(Choice(unit), rewards, step))
    return made


def near(one: Base, wanted: Sequence[float]) -> None:
    np.testing.assert_allclose(list(one.probabilities().values()), wanted, atol=1e-12)


# Schedules and level steppers.


def test_e2h_cosine():
    one = curriculum("e2h_cosine", total_steps=4)
    near(one, [3 / 12, 3 / 12, 2 / 6, 1 / 6])  # start: levels 3 : 2 : 1, the first has two units
    one.step = 2
    one.changed()
    near(one, [1 / 6, 1 / 6, 1 / 3, 1 / 3])  # half way: all levels alike
    one.step = 9
    one.changed()
    near(one, [1 / 12, 1 / 12, 2 / 6, 3 / 6])


def test_the_clock_is_the_number_of_batches():
    one = curriculum("e2h_cosine", total_steps=4)
    for _ in range(4):
        one.sample(3)
    near(one, [1 / 12, 1 / 12, 2 / 6, 3 / 6])


def test_e2h_gaussian():
    one = curriculum("e2h_gaussian", total_steps=4)
    bell = np.exp(-2 * np.arange(3) ** 2)  # centre 0, width .5
    levels = 1 / 6 + 0.5 * bell / bell.sum()  # floor 2 / (3 * 4)
    near(one, [levels[0] / 2, levels[0] / 2, levels[1], levels[2]])
    one.step = 1
    one.changed()
    bell = np.exp(-2 * (np.arange(3) - math.sqrt(1 / 4) * 2) ** 2)
    levels = 1 / 6 + 0.5 * bell / bell.sum()
    near(one, [levels[0] / 2, levels[0] / 2, levels[1], levels[2]])


def test_structured_to_open():
    one = curriculum("structured_to_open", total_steps=6, replay=0.2)
    near(one, [0.5, 0.5, 0, 0])
    for step, wanted in ((2, [0.1, 0.1, 0.8, 0]), (4, [0.2 / 3] * 3 + [0.8])):
        one.step = step
        one.changed()
        near(one, wanted)
    one.step = 99
    assert one.stage_now == 2


def test_random_subset():
    one = curriculum("random_subset?share=0.5")
    assert sorted(one.probabilities().values()) == [0, 0, 0.5, 0.5]
    others = {tuple(make("random_subset", LEVELS, s).probabilities().values()) for s in range(30)}
    assert len(others) == 4


def test_level_window_rises_and_stays():
    one = curriculum("level_window?width=2&groups=2&up=0.75")
    near(one, [0.5, 0.5, 0, 0])
    one.observe(groups(("a", 1.0), ("d", 0.0)))  # d is not at the bound
    near(one, [0.5, 0.5, 0, 0])
    one.observe(groups(("b", 0.5)))  # mean .75 of two
    near(one, [0.25, 0.25, 0.5, 0])
    one.observe(groups(("c", 0.0), ("c", 0.0), ("c", 0.0), ("c", 0.0)))
    near(one, [0.25, 0.25, 0.5, 0])
    one.observe(groups(("c", 1.0), ("c", 1.0)))
    near(one, [0, 0, 0.5, 0.5])  # width 2: level 1 is left
    one.observe(groups(("d", 1.0), ("d", 1.0)))
    assert one.metrics()["bound"] == 3


def test_level_window_counts_again_after_each_decision():
    one = curriculum("level_window?width=1&groups=2&up=0.9")
    one.observe(groups(("a", 0.0), ("a", 0.0), ("a", 1.0)))
    assert one.state.groups.tolist() == [1]
    one.observe(groups(("b", 1.0)))
    near(one, [0, 0, 1, 0])


def test_level_window_down_falls():
    one = curriculum("level_window_down?width=1&groups=1&up=0.7&down=0.1")
    for unit, mean, bound in (("a", 1, 2), ("c", 0.5, 2), ("c", 0.75, 3), ("d", 0, 2), ("c", 0, 1)):
        one.observe(groups((unit, mean)))
        assert one.metrics()["bound"] == bound
    one.observe(groups(("a", 0)))
    assert one.metrics()["bound"] == 1


def test_level_windows_by_skills_have_a_bound_each():
    pool = Pool(
        ("x1", "x2", "y1", "y3"),
        levels={"x1": 1, "x2": 2, "y1": 1, "y3": 3},
        skills={"x1": ("x",), "x2": ("x",), "y1": ("y",), "y3": ("y",)},
    )
    one = curriculum("level_window?width=1&groups=1&by=skills", pool)
    near(one, [0.5, 0, 0.5, 0])
    one.observe(groups(("y1", 1.0)))
    near(one, [0.5, 0, 0, 0.5])


def test_adarft_follows_its_target():
    one = curriculum("adarft?rate=50&sharpness=2&wanted=0.5")
    assert one.difficulty.tolist() == [0, 0, 50, 100]
    assert {choice.unit for choice in one.sample(2)} == {"a", "b"}
    one.observe(groups(("a", 1.0), ("b", 0.75)))
    assert one.target == pytest.approx(50 * math.tanh(2 * 0.375))
    assert one.sample(1)[0].unit == "c"
    one.observe(groups(("c", 0.0)))
    assert one.target == 0.0  # clipped


def test_self_improvement_opens_levels_by_rounds():
    one = curriculum("self_improvement?round_groups=2&accept=0.5")
    near(one, [0.5, 0.5, 0, 0])
    one.observe(groups(("a", 0.0), ("b", 0.5), ("d", 1.0)))
    near(one, [0.5, 0.5, 0, 0])
    one.observe(groups(("a", 1.0), ("b", 0.0)))
    near(one, [1 / 3, 1 / 3, 1 / 3, 0])
    always = curriculum("self_improvement?round_groups=1&accept=0")
    always.observe(groups(("a", 0.0), ("c", 0.0)))
    near(always, [0.25] * 4)


# Learning progress.


def test_the_default_by_hand():
    one = curriculum("bidirectional_lp?rate=0.5&theta=0.5&floor=0.2")
    near(one, [0.25] * 4)
    one.sample(1)
    one.staleness.last[:] = [1, 0, 0, 0]
    one.observe(groups(("a", 1.0), ("b", 0.5)))  # gaps: fast .5 slow .25, fast .25 slow .125
    ages = np.array([1, 2, 2, 2]) / 7
    near(one, 0.8 * np.array([2 / 3, 1 / 3, 0, 0]) + 0.2 * ages)
    one.boredom.factor[0] = 0.1
    one.changed()
    near(one, 0.8 * np.array([0.2, 1, 0, 0]) / 1.2 + 0.2 * ages)


def test_the_default_lets_go_of_coins_and_of_what_is_mastered():
    one = curriculum("bidirectional_lp?window=20", ["coin", "done", "learns"])
    flips = np.random.default_rng(0).integers(0, 9, 60) / 8
    for step, flip in enumerate(flips):
        learns = min(step / 60, 1)
        one.observe(groups(("coin", flip), ("done", 1.0), ("learns", learns), step=step, size=8))
    chances = one.probabilities()
    assert chances["learns"] > 0.4
    assert chances["done"] < 0.05
    assert one.boredom.factor[1] == 0.1


def test_the_graph_gate_waits_for_the_weakest_part():
    one = curriculum("bidirectional_lp_graph?rate=1", CHAIN)
    factor = one.prerequisites.factor
    assert factor.tolist() == [1, 1, 0.02, 0.02]
    one.observe(groups(("f", 1.0), ("g", 0.25), ("fg", 0.0)))
    np.testing.assert_allclose(one.prerequisites.factor, [1, 1, 0.5, 0.02])
    one.observe(groups(("g", 1.0), ("fg", 0.5)))
    np.testing.assert_allclose(one.prerequisites.factor, [1, 1, 1, 1])


def test_syllabus_weights():
    one = curriculum("bidirectional_lp_syllabus?rate=0.5&theta=0.5", ["a", "b", "c"])
    near(one, [1 / 3] * 3)
    one.observe(groups(("a", 1.0), ("b", 0.5)))
    gap = np.array([0.25, 0.125])
    weight = 1 / (1 + np.exp(-(gap - gap.mean()) / gap.std()))
    near(one, [*(0.75 * weight / weight.sum() + 0.25 / 3), 0.25 / 3])


def test_tscl_online():
    one = curriculum("tscl_online?rate=0.5&epsilon=0.2", ["a", "b"])
    near(one, [0.5, 0.5])
    one.observe(groups(("a", 0.5)))  # a first score is no change, b is still untried
    near(one, [0.1, 0.9])
    one.observe(groups(("a", 1.0), ("b", 1.0)))
    assert one.quality.tolist() == [0.25, 0.0]
    near(one, [0.9, 0.1])
    one.observe(groups(("a", 0.0)))
    assert one.quality.tolist() == [0.25 + 0.5 * (-1 - 0.25), 0.0]


def test_tscl_window():
    one = curriculum("tscl_window?window=3&epsilon=0.2", ["a", "b"])
    for step, (up, still) in enumerate([(0.0, 0.75), (0.25, 0.75), (0.75, 0.75)]):
        one.observe(groups(("a", up), ("b", still), step=2 * step))
    np.testing.assert_allclose(one.slope, [0.75 / 4, 0], atol=1e-12)
    near(one, [0.9, 0.1])


def test_tscl_thompson_draws_among_remembered_changes():
    one = curriculum("tscl_thompson?window=2", ["a", "b"])
    for mean in (0.0, 0.5, 0.5, 1.0):  # changes .5 0 .5: the last two are 0 and .5
        one.observe(groups(("a", mean), ("b", 0.25 if mean == 0 else 0.5)))
    assert sorted(one.changes[0]) == [0.0, 0.5]
    assert one.changes[1].tolist() == [0.0, 0.0]
    one.simulations = 4000  # a wins with .5 for sure, and half of the ties
    assert one.probabilities()["a"] == pytest.approx(0.75, abs=0.03)


def test_alp_windows():
    one = curriculum("alp_windows?window=4&epsilon=0.2", ["a", "b", "c"])
    near(one, [1 / 3] * 3)
    for a, b in [(0.0, 0.5), (0.25, 0.5), (0.5, 0.25), (0.75, 0.25)]:
        one.observe(groups(("a", a), ("b", b)))
    np.testing.assert_allclose(one.progress, [0.5, 0.25, 0])
    near(one, [0.8 * 2 / 3 + 0.2 / 3, 0.8 / 3 + 0.2 / 3, 0.2 / 3])


def test_mastering_rate_attention():
    one = curriculum("mastering_rate?window=2&power=2&gamma=0.5", CHAIN)
    one.observe(groups(("f", 0.5), ("g", 1.0), ("fg", 0.0), step=1))
    one.observe(groups(("f", 1.0), ("g", 1.0), ("fg", 0.5), step=2))
    np.testing.assert_allclose(one.mastery, [0.75, 1, 0.25, 0])
    own = 0.5 * np.array([1, 0, 1, 0]) + 0.5 * (1 - one.mastery)
    ready = np.array([1, 1, 0.75, 0.25]) ** 2
    least = np.array([0, 0.25, 0, 0])  # of what each is a part of: f is one of fg and fgf
    np.testing.assert_allclose(one.attention(), ready * own * (1 - least))


def test_mastering_rate_hands_attention_on():
    one = curriculum("mastering_rate?to_parts=0.2&to_uses=0", CHAIN)
    # fgf keeps .8 and gives .1 to fg and f each; fg keeps .8 of its .1, f and g get .01 each
    np.testing.assert_allclose(one._hand_on(np.array([0.0, 0, 0, 1])), [0.11, 0.01, 0.08, 0.8])
    up = curriculum("mastering_rate?to_parts=0&to_uses=0.1", CHAIN)
    # f is a part of fg and fgf: .05 each; fg hands .005 on
    np.testing.assert_allclose(up._hand_on(np.array([1.0, 0, 0, 0])), [0.9, 0, 0.045, 0.055])
    attention = np.array([0.3, 0.1, 0.4, 0.2])
    np.testing.assert_allclose(one._matrix @ attention, one._hand_on(attention))


# Learnability.


def test_sec_by_level():
    one = curriculum("sec?rate=0.5&temperature=0.5")
    one.observe(groups(("a", 0.5), ("b", 1.0), ("c", 0.25)))
    quality = np.array([0.5 * 0.5, 0.5 * 2 * math.sqrt(3) / 4, 0])  # level 1: mean of 1 and 0
    np.testing.assert_allclose(one.quality.value, quality)
    arms = np.exp(quality / 0.5) / np.exp(quality / 0.5).sum()
    near(one, [arms[0] / 2, arms[0] / 2, arms[1], arms[2]])


def test_dump_bounds():
    one = curriculum("dump?discount=0.5&temperature=1&arms=unit", ["a", "b"])
    one.observe(groups(("a", 0.5), ("a", 1.0)))
    one.observe(groups(("b", 0.5)))
    assert one.counts.number.tolist() == [1.0, 1.0]
    bounds = np.array([0.5 / 1.0, 1.0]) + math.sqrt(2 * math.log(3) / 2)
    np.testing.assert_allclose(one.bounds(), bounds)
    near(one, np.exp(bounds) / np.exp(bounds).sum())


def test_mopps_takes_what_is_near_the_target():
    one = curriculum("mopps?decay=1", ["half", "hard", "easy"])
    for _ in range(40):
        one.observe(groups(("half", 0.5), ("hard", 0.0), ("easy", 1.0), size=8))
    assert (one.posterior.good[1], one.posterior.bad[1]) == (1, 321)
    assert [choice.unit for choice in one.sample(1)] == ["half"]
    near(one, [1, 0, 0])
    other = curriculum("mopps?decay=1&target=0.99", ["half", "hard", "easy"])
    other.load_state_dict(one.state_dict() | {"options": other.about()["options"]})
    assert [choice.unit for choice in other.sample(1)] == ["easy"]


def test_bots_fades_everywhere():
    one = curriculum("bots?decay=0.5", ["a", "b"])
    one.observe(groups(("a", 0.75)))
    assert (one.posterior.good.tolist(), one.posterior.bad.tolist()) == ([4, 1], [2, 1])
    one.observe(groups(("b", 0.0)))
    assert (one.posterior.good.tolist(), one.posterior.bad.tolist()) == ([2.5, 1], [1.5, 5])


def test_bots_learns_from_reference_models():
    weak, strong = {"a": 0.0, "b": 0.2}, {"a": 1.0, "b": 0.6}
    one = curriculum("bots", ["a", "b"], decay=0.5, share=0.2, pseudo=10, weak=weak, strong=strong)
    assert one.information == "reference pass rates"
    one.observe(groups(("a", 0.5)))
    assert one.standing == pytest.approx(0.1 * 0.5)
    assert one.miss == pytest.approx(0.1 * 0.5)
    expected = 0.2 + 0.05 * 0.4  # of b
    np.testing.assert_allclose(one.posterior.good, [1 + 0.8 * 2 + 2 * 0.05, 1 + 2 * expected])
    np.testing.assert_allclose(one.posterior.bad, [1 + 0.8 * 2 + 2 * 0.95, 1 + 2 * (1 - expected)])
    with pytest.raises(UserError, match="both"):
        curriculum("bots", ["a", "b"], weak=weak)
    with pytest.raises(UserError, match="no reference pass rate for unit 'b'"):
        curriculum("bots", ["a", "b"], weak={"a": 0.1}, strong=strong)


def test_plr_by_rank_and_age():
    one = curriculum("plr?beta=1&rho=0.5")
    near(one, [0.25] * 4)
    one.step = 3
    one.last[:] = [3, 1, 0, 0]
    one.observe(groups(("a", 0.5), ("b", 1.0)))  # scores 1 and 0, c and d never seen
    replay = 0.5 * np.array([2 / 3, 1 / 3]) + 0.5 * np.array([0, 1])
    near(one, [*(0.5 * replay), 0.25, 0.25])


def test_vcrl_variance_and_memory():
    assert variance((1.0, 0.0, 1.0, 0.0)) == pytest.approx(1)
    assert variance((1.0, 0.0, 0.0)) == pytest.approx(1)  # as even as an odd group can be
    assert variance((1.0, 0.0, 0.0, 0.0)) == pytest.approx(0.75)
    assert variance((1.0, 1.0)) == variance((1.0,)) == 0
    one = curriculum("vcrl?warmup=1", ["a", "b"])
    late = groups(("a", 0.5), ("b", 0.25), step=2)
    assert [one.admit(outcome) for outcome in late] == [True, False]
    assert all(one.admit(outcome) for outcome in groups(("a", 0.5), ("b", 0.25), step=1))
    one.observe(late)
    assert one.priority == pytest.approx([0.1, 0])
    near(one, [0.5 * 0.5 + 0.5, 0.25])


def test_cdas_difficulty_and_competence():
    one = curriculum("cdas", ["a", "b"])
    one.observe(groups(("a", 1.0)))
    difficulty = 0.5 * 0 + 0.5 * (0.5 - 1)  # the start counts as one visit
    assert one.difficulty.tolist() == [difficulty, 0]
    assert one.competence == pytest.approx(0.25 / 2)
    assert one.sample(1)[0].unit == "b"  # never seen
    one.observe(groups(("a", 0.0)))
    expected = 1 / (1 + math.exp(difficulty - 0.125))
    assert one.difficulty[0] == pytest.approx(2 / 3 * difficulty + expected / 3)


def test_cdas_takes_both_sides():
    one = curriculum("cdas", [f"u{i}" for i in range(6)])
    one.visits[:] = 1
    one.difficulty[:] = [-3, -2, -1, 1, 2, 3]
    assert {choice.unit for choice in one.sample(4)} == {"u1", "u2", "u3", "u4"}
    one.competence = 2.5
    assert {choice.unit for choice in one.sample(4)} == {"u5", "u4", "u3", "u2"}


def test_what_posteriors_are_worth():
    half = curriculum("learnability_thompson", ["a"]).learnability(np.array([0.0, 0.5, 0.9]))
    np.testing.assert_allclose(half, [0, 0.25, 0.09])
    worth = curriculum("pass_at_n_thompson?samples=2", ["a"]).learnability(np.array([0.0, 0.5, 1]))
    np.testing.assert_allclose(worth, [0, 0.25, 0])
    p = np.linspace(0, 1, 2001)
    many = curriculum("pass_at_n_thompson?samples=32", ["a"]).learnability(p)
    assert p[many.argmax()] == pytest.approx(math.log(32) / 32, abs=0.01)


def test_learnability_is_drawn_in_proportion():
    one = curriculum("learnability_thompson?decay=1&epsilon=0.01", ["half", "tenth", "done"])
    for _ in range(60):
        one.observe(groups(("half", 0.5), ("tenth", 0.1), ("done", 1.0), size=10))
    one.simulations = 3000
    chances = one.probabilities()
    assert chances["half"] / chances["tenth"] == pytest.approx(0.25 / 0.09, rel=0.25)
    assert chances["done"] < 0.05


# Structure.


def test_skill_it_weights_help_too():
    one = curriculum("skill_it?eta=1&every=1", CHAIN)
    start = np.array([1 + 0.5 * 2, 1 + 0.5, 1 + 0.5, 1])  # all losses 1
    near(one, np.exp(start) / np.exp(start).sum())
    one.sample(1)
    one.observe(groups(("f", 1.0), ("g", 1.0), ("fg", 0.5)))
    loss = np.array([0, 0, 0.5, 1])  # fgf did not come up and keeps its loss
    total = loss + 0.5 * np.array([0.5 + 1, 0.5, 1, 0])
    near(one, np.exp(total) / np.exp(total).sum())
    one.sample(1)
    one.observe(groups(("fg", 1.0)))
    np.testing.assert_allclose(one.history.sum(1), [0, 0, 0.5, 2])


def test_skill_it_with_edges_of_its_own():
    one = curriculum("skill_it", ["a", "b"], eta=1.0, edges={"a": {"b": 0.25}})
    near(one, np.exp([1.25, 1]) / np.exp([1.25, 1]).sum())
    with pytest.raises(UnknownName, match="unit in the edges"):
        curriculum("skill_it", ["a", "b"], edges={"a": {"z": 1.0}})
    with pytest.raises(UserError, match="weight nan"):
        curriculum("skill_it", ["a", "b"], edges={"a": {"b": math.nan}})


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
    one = curriculum("stat_sel?decay=1&epsilon=0.1", CHAIN)
    one.observe(groups(("f", 1.0), ("fg", 0.5), ("fg", 0.5)))
    rate = (np.array([1.0, 1.0]) + 1e-3) / (np.array([3.0, 2.0]) + 1e-3)
    np.testing.assert_allclose(one.profile.rate(), rate)
    wanted = np.array([rate[0], rate[1], rate.mean(), rate.mean()])
    near(one, 0.9 * wanted / wanted.sum() + 0.1 / 4)
    assert one.metrics()["missing/f"] == pytest.approx(rate[0])


def test_stat_syn_wants_what_was_practised_least():
    one = curriculum("stat_syn?decay=1&epsilon=0.1", CHAIN)
    one.observe(groups(("f", 1.0), ("fg", 0.5), ("fg", 0.5)))
    f, g = one.profile.rate()
    # fgf is the only one with f that was never practised; with g there are g and fgf
    wanted = np.array([0, g / 2, 0, f + g / 2])
    near(one, 0.9 * wanted / wanted.sum() + 0.1 / 4)


def test_stat_syn_proposes_new_combinations_of_missing_skills():
    tags = {"p": ("x",), "q": ("y",), "r": ("z",), "xy": ("x", "y")}
    one = curriculum("stat_syn?decay=1", Pool(tuple(tags), skills=tags))
    for _ in range(50):
        one.observe(groups(("p", 0.0), ("q", 0.5), ("r", 0.75)))
    proposed = [one.propose(1)[0] for _ in range(60)]
    assert set(proposed) <= {("x", "z"), ("y", "z")}  # x with y is there already
    assert proposed.count(("x", "z")) > 30
    assert sorted(one.propose(5)) == [("x", "z"), ("y", "z")]
    assert one.propose(3, width=4) == []


def test_ladder_goes_down_after_failure_and_back_after_success():
    one = curriculum("ladder?enough=0.5&epsilon=0.2", CHAIN)
    near(one, [0.25] * 4)
    one.observe(groups(("fgf", 0.0)))
    assert one.demand.tolist() == [0.5, 0, 0.5, 0]
    near(one, [0.45, 0.05, 0.45, 0.05])
    one.observe(groups(("fg", 0.25), ("f", 1.0)))
    assert one.demand.tolist() == [0.375, 0.375, 0.25, 0]
    one.observe(groups(("f", 0.5), ("g", 0.75), ("fg", 1.0)))
    near(one, [0.25] * 4)


def test_composition_moves_up_with_what_is_mastered():
    one = curriculum("composition?rate=1&epsilon=0.2", CHAIN)
    near(one, [0.45, 0.45, 0.05, 0.05])
    one.observe(groups(("f", 1.0)))
    near(one, [0.05, 0.85, 0.05, 0.05])
    one.observe(groups(("g", 1.0)))
    near(one, [0.05, 0.05, 0.85, 0.05])
    assert one.propose(3) == []  # f with g is fg already
    one.observe(groups(("fg", 1.0)))
    assert set(one.propose(9)) == {("g", "fg"), ("fg", "g")}


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


# Model signals.


def test_gain_rl_goes_down_the_ranks():
    units = [f"u{i}" for i in range(20)]
    one = curriculum("gain_rl?width=0.05&stride=0.1", units)
    told = [
        Outcome(Choice(unit), (1.0, 0.0), 1, features=(-i / 10,)) for i, unit in enumerate(units)
    ]
    one.observe(told)
    assert one.ranks().tolist() == list(range(20))
    assert one.centre == 0  # reward .5 does not move it, a negative angle would move it back
    one.observe([Outcome(Choice("u0"), (1.0,), 2, features=(0.0,))])
    assert one.centre == pytest.approx(min(2 * math.tanh(1), 1))
    one.centre = 10.0
    drawn = [choice.unit for _ in range(50) for choice in one.sample(2)]
    assert np.mean([abs(units.index(unit) - 10) <= 2 for unit in drawn]) > 0.9
    with pytest.raises(UserError, match="feature"):
        one.observe([Outcome(Choice("u0"), (1.0,), 2, features=(math.nan,))])


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
