"""Tasks under a curriculum: units by skill and level, what it is told, wishes for rollouts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cosine
from scipy.stats import chisquare

from rlskills.curricula import Choice, Outcome, Uniform
from rlskills.environments import Draft, Environment, Holdout, load
from rlskills.errors import UserError
from rlskills.models.loading import load as load_model
from rlskills.training.features import prompt_features
from rlskills.training.settings import RLSettings
from rlskills.training.stream import COLD_START, TaskStream, taught, uniform, units_of
from rlskills.training.trl import RLTrainer

from .small import KERNELS, Bits

TINY = "string_transform?preset=tiny&functions=train"


def test_units_are_last_skills_and_levels():
    sources = units_of(load(TINY), "train", (1, 3))
    assert len(sources) == 2 * 16
    for unit, source in sources.items():
        task = source.env.task("train", source.level, 0)
        assert unit == f"{task.skills[-1]}@L{task.depth}"


def test_environments_without_parts_have_levels_as_units():
    assert list(units_of(Bits(), "train", (1, 2))) == ["L1", "L2"]


def test_a_part_draws_problems_of_the_whole():
    whole = load(TINY)
    part = whole.by_skill()["F32"]
    for index in range(50):
        task = part.task("train", 2, index)
        assert task.skills[-1] == "F32"
        assert whole.split_of(task.skills, task.depth, task.key) == "train"


def test_an_unknown_last_function_is_one_error():
    with pytest.raises(UserError, match="did you mean 'F39'"):
        load(f"{TINY}&last=F309")


def test_the_teacher_is_told_levels_skills_and_prerequisites():
    stream = taught(units_of(load(TINY), "train", (1, 2, 3)), "uniform", 0)
    pool: Any = stream.curriculum
    assert pool.pool.levels["F32@L2"] == 2
    assert pool.pool.skills["F32@L2"] == ("F32",)
    assert pool.pool.prerequisites["F32@L2"] == ("F32@L1",)
    assert "F32@L1" not in pool.pool.prerequisites


def test_units_by_composition_know_their_parts():
    env = load("procedure?preset=tiny")
    sources = units_of(env, "train", (1, 2), by="composition")
    pair = next(unit for unit in sources if ">" in unit)
    first, second = pair.split(">")
    stream = taught(sources, "bidirectional_lp_graph", 0)
    pool: Any = stream.curriculum
    assert set(pool.pool.prerequisites[pair]) == {first, second}
    assert pool.pool.levels[pair] == 2
    assert set(pool.pool.skills[pair]) == {first, second}
    for unit, source in list(sources.items())[:40]:
        task = source.env.task("train", source.level, 0)
        assert ">".join(task.skills) == unit
        assert env.split_of(task.skills, task.depth, task.key) == "train"
    drawn = stream.draw(30)
    assert all(">".join(d.task.skills) == d.choice.unit for d in drawn)


class Chained(Environment):
    """Five skills; a and b are never composed, c and d only with d first."""

    name = "chained"
    levels = ({}, {})
    holdout = Holdout(pairs=frozenset({("a", "b"), ("b", "a"), ("c", "d")}))

    def skills(self) -> tuple[str, ...]:
        return tuple("abcde")

    def make(self, rng: Any, cfg: Any) -> Draft:
        return self.compose(rng, cfg, ("a",) * 2)

    def compose(self, rng: Any, cfg: Any, skills: tuple[str, ...]) -> Draft:
        return Draft(f"{'>'.join(skills)} {rng.randrange(10**6)}", "x", skills)


def test_a_skill_mix_trains_on_all_sets_alike_and_on_no_held_out_pair():
    env = Chained()
    stream = taught(units_of(env, "train", (2,), by="skill_mix"), "uniform", 0)
    drawn = [one.task for one in stream.draw(1800)]
    assert {one.choice.unit for one in stream.draw(3)} == {"mix2"}
    assert all(env.split_of(task.skills, 2, task.key) == "train" for task in drawn)
    counts = Counter(frozenset(task.skills) for task in drawn)
    assert len(counts) == 9  # of ten pairs
    assert frozenset("ab") not in counts
    assert {task.skills for task in drawn if set(task.skills) == {"c", "d"}} == {("d", "c")}
    assert chisquare(list(counts.values())).pvalue > 1e-3
    assert len({task.key for task in drawn}) > 1790
    # The stream goes on where its state was taken, with problems that it had not given.
    again = taught(units_of(env, "train", (2,), by="skill_mix"), "uniform", 9)
    again.load_state_dict(stream.state_dict())
    assert [one.task for one in again.draw(4)] == [one.task for one in stream.draw(4)]


def test_a_skill_mix_of_functions_is_what_its_environment_trains_on():
    env = load(TINY)
    stream = taught(units_of(env, "train", (1, 2), by="skill_mix"), "uniform", 0)
    for one in stream.draw(40):
        assert len(set(one.task.skills)) == one.task.level == int(one.choice.unit[-1])
        assert env.score(one.task, env.solution(one.task)).correct


def test_what_cannot_be_mixed_is_one_line():
    with pytest.raises(UserError, match="fewer than k=2"):
        units_of(Bits(), "train", (2,), by="skill_mix")


def test_curricula_of_composition_wait_for_the_parts():
    """`f>g` is drawn once f and g are mastered, and not before."""
    sources = units_of(load("procedure?preset=tiny"), "train", (1, 2), by="composition")
    stream = taught(sources, "composition", 0)
    before = stream.curriculum.probabilities()
    # A tenth of the draws goes to all units alike.
    assert sum(before[unit] for unit in sources if ">" in unit) < 0.1
    for _ in range(40):
        drawn = stream.draw(32)
        right = (1.0,) * 4
        stream.observe([Outcome(d.choice, right, 0) for d in drawn if ">" not in d.choice.unit])
    after = stream.curriculum.probabilities()
    assert sum(after[unit] for unit in sources if ">" in unit) > 0.5


def test_environments_without_such_parts_say_so():
    with pytest.raises(UserError, match="bits has no parts by composition; take units by level"):
        units_of(Bits(), "train", (1, 2), by="composition")
    with pytest.raises(UserError, match="no parts by skill"):
        units_of(Bits(), "train", (1, 2), by="skill")
    assert list(units_of(load(TINY), "train", (1, 2), by="level")) == ["L1", "L2"]


def test_a_methods_own_numbers_are_logged():
    stream = taught(units_of(Bits(), "train", (1, 2)), "adarft", 0)
    stream.observe([Outcome(d.choice, (1.0, 0.0), 0) for d in stream.draw(8)])
    own = {name for name in stream.metrics() if name.startswith("method/")}
    assert own == {f"method/{name}" for name in stream.curriculum.metrics()}
    assert "method/target" in own


def test_a_cold_start_shows_none_of_the_problems_that_rl_is_asked():
    shown = uniform(Bits(), "train", (1, 2), 0, start=COLD_START)
    asked = uniform(Bits(), "train", (1, 2), 0)
    keys = [{one.task.key for one in stream.draw(200)} for stream in (shown, asked)]
    assert len(keys[0]) > 190
    assert keys[0].isdisjoint(keys[1])
    assert shown.problems == asked.problems == 200


class Wishing(Uniform):
    """Wishes for two groups and a half of four."""

    def sample(self, k: int) -> list[Choice]:
        return [replace(choice, rollouts=10) for choice in super().sample(k)]


def test_a_wish_for_rollouts_is_met_by_whole_groups():
    sources = units_of(Bits(), "train", (1, 2))
    drawn = TaskStream(sources, Wishing(list(sources), 0)).draw(5, group=4)
    keys = [one.task.key for one in drawn]
    assert [keys.count(key) for key in dict.fromkeys(keys)] == [2, 2, 1]
    assert (
        len({one.task.key for one in TaskStream(sources, Wishing(list(sources), 0)).draw(5)}) == 5
    )


class Again(Uniform):
    """Names the first problem of each unit, from the second batch on."""

    def sample(self, k: int) -> list[Choice]:
        named = [replace(one, problem=5, tag="replay") for one in super().sample(k)]
        return named if self.step > 1 else [replace(one, problem=None) for one in named]


def test_a_problem_that_a_curriculum_names_is_given_again():
    stream = TaskStream(units_of(Bits(), "train", (1,)), Again(["L1"], 0), start=5)
    first = stream.draw(2)
    assert [one.choice.problem for one in first] == [one.task.index for one in first] == [5, 6]
    again = stream.draw(3)
    assert [one.task for one in again] == [first[0].task] * 3
    assert [one.choice.problem for one in again] == [5, 5, 5]
    assert stream.position == {"L1": 7}, "no address was used up"


def test_features_are_the_angles_of_hidden_states(small_model: Path):
    loaded = load_model(str(small_model), KERNELS)
    tasks = [Bits().task("train", 1, index) for index in range(3)]
    prompts = [*loaded.codec.encode_tasks(tasks), [3]]
    found = prompt_features(loaded, prompts)
    assert found[-1] == (0.0,)
    import torch

    with torch.no_grad():
        out = loaded.model(input_ids=torch.tensor([prompts[0]]), output_hidden_states=True)
    hidden = out.hidden_states[-1][0].numpy()
    half, count = len(hidden) // 2, len(hidden)
    angle = {(i, j): 1 - cosine(hidden[i], hidden[j]) for i in range(count) for j in range(count)}
    apart = [v for (i, j), v in angle.items() if (i < half) != (j < half)]
    within = [v for (i, j), v in angle.items() if (i < half) == (j < half) and i != j]
    assert found[0][0] == pytest.approx(np.mean(within) + 8 * np.mean(apart), abs=1e-4)


@pytest.mark.parametrize(
    "spec",
    [
        "default",
        "gain_rl",
        "dapo?max_resamples=2",
        "cures",
        "speed",
        "mopps",
        "replay?inner=pooled_progress",
    ],
)
def test_grpo_trains_under(spec: str, half_trained: Path, tmp_path: Path):
    loaded = load_model(str(half_trained), KERNELS)
    settings = RLSettings(
        max_steps=3, prompts_per_step=8, group_size=4, max_new_tokens=6, save_every=3
    )
    stream = taught(units_of(Bits(), "train", (1, 2)), spec, 0)
    trainer = RLTrainer(loaded, stream, settings, tmp_path)
    trainer.train()
    rounds = trainer.budget.rollouts / (8 * 4)
    assert rounds == int(rounds)
    assert 3 <= rounds <= (9 if "dapo" in spec else 3)
    assert sum(seen.groups for seen in stream.monitor.records.values()) == 8 * rounds
    stream.curriculum.load_state_dict(stream.curriculum.state_dict())
