"""Many arms against one: numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlskills.errors import UserError
from rlskills.report.arena import (
    Probe,
    arena,
    arena_sections,
    plot_arena,
    sentences,
)
from rlskills.report.run import EvalSet, Run
from rlskills.runs.supervision import Supervision

GAIN = Probe("train L3", (("train", 3),))
KEPT = Probe("common", (("common", 1), ("common", 2)))


def eval_set(group: str, level: int, right: int) -> EvalSet:
    keys = tuple(f"{group} {level} {i}" for i in range(10))
    greedy = tuple(i < right for i in range(10))
    return EvalSet(
        group, level, "test", keys, greedy, (2,) * 10, tuple(map(int, greedy)), (True,) * 10
    )


def run(arm: str, seed: int, gain: int, kept: int, shown: Supervision = Supervision.ANSWERS) -> Run:
    sets = {("train", 3): eval_set("train", 3, gain)}
    sets |= {("common", level): eval_set("common", level, kept) for level in (1, 2)}
    return Run(Path(f"seed{seed}/{arm}"), arm, seed, supervision=shown, eval_sets=sets)


POOLS = {
    "base": [run("base", seed, 2, 9) for seed in range(4)],
    "grpo": [run("grpo", seed, 5, 9) for seed in range(4)],
    "best": [run("best", seed, 7 + seed % 2, 9, Supervision.STEPS) for seed in range(4)],
    "same": [run("same", seed, 5 + (-1) ** seed, 7 + seed % 2) for seed in range(4)],
}


def test_leads_are_paired_by_seed_and_marked_where_they_are_no_chance():
    grpo, best, same = arena(POOLS, "grpo", [GAIN, KEPT])
    assert grpo.leads == {}
    assert grpo.gains["train L3"].mean == pytest.approx(0.3)
    assert best.leads["train L3"].mean == pytest.approx(0.25)
    assert best.gains["train L3"].mean == pytest.approx(0.55)
    assert best.marks == {"train L3": True, "common": False}
    assert same.marks == {"train L3": False, "common": True}
    assert sentences([grpo, best, same], "grpo") == [
        f"best: better than grpo at train L3 +{best.leads['train L3']}.",
        f"same: worse than grpo at common {same.leads['common']}.",
    ]


def test_arms_are_grouped_by_what_they_were_shown():
    rivals = arena(POOLS, "grpo", [GAIN])
    answers, steps, logged = arena_sections(
        rivals, POOLS, "grpo", [GAIN], {"reward": "train/reward"}
    )
    assert [row[0] for row in answers.rows] == ["grpo", "same"]
    assert [row[0] for row in steps.rows] == ["best"]
    assert steps.rows[0][1].endswith(" *")
    assert logged.header == ("arm", "reward", "rollouts", "seconds")
    assert len(logged.rows) == 3


def test_an_arm_without_a_seed_of_the_reference_is_refused():
    with pytest.raises(UserError, match="same has no run of seed 3"):
        arena(POOLS | {"same": POOLS["same"][:3]}, "grpo", [GAIN])
    with pytest.raises(UserError, match="nothing to compute far of"):
        arena(POOLS, "grpo", [Probe("far", (("train", 9),))])


def test_the_picture_has_a_point_for_each_arm(tmp_path: Path):
    rivals = arena(POOLS, "grpo", [GAIN, KEPT])
    picture = plot_arena(rivals, "train L3", "common", tmp_path / "arena.png")
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_one_seed_has_intervals_over_problems_and_no_verdicts():
    single = {arm: pool[:1] for arm, pool in POOLS.items()}
    rivals = arena(single, "grpo", [GAIN])
    (answers, steps, _) = arena_sections(rivals, single, "grpo", [GAIN], {})
    assert steps.rows[0][1] == f"+{rivals[1].leads['train L3']}"
    assert rivals[1].leads["train L3"].low < 0.2 < rivals[1].leads["train L3"].high
    assert "paired bootstrap over problems" in answers.lines[0]
    assert [said.split(":")[1] for said in sentences(rivals, "grpo")] == [
        " no difference to grpo is beyond chance."
    ] * 2
