"""Studies as data: what they refuse, their waves, and hashes that hold on every machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rlskills.errors import UnknownName, UserError
from rlskills.experiments import ArmConfig, EvalConfig, Supervision
from rlskills.experiments.checks import known, not_empty, not_negative, positive, shares
from rlskills.experiments.identity import config_hash, configurations, portable
from rlskills.training.settings import SFTSettings
from rlskills.training.stream import COLD_START, SEED_STRIDE, TaskStream, uniform

from ..training.small import Bits, small_study, stream

SFT = SFTSettings(max_steps=3, batch_size=8)


def arm(name: str, start: str = "", settings: SFTSettings = SFT) -> ArmConfig:
    return ArmConfig(name, Supervision.STEPS, settings, stream, start)


def test_waves_follow_the_starts():
    study = small_study(arm("a"), arm("b"), arm("c", "a"), arm("d", "c"), arm("e", "b"))
    waves = [[each.name for each in wave] for wave in study.waves()]
    assert waves == [["a", "b"], ["c", "e"], ["d"]]


def test_studies_that_cannot_be_run_are_refused():
    with pytest.raises(UserError, match="two arms 'a'"):
        small_study(arm("a"), arm("a"))
    with pytest.raises(UnknownName, match="start of arm 'b' 'c'"):
        small_study(arm("b", "c"), arm("c"))
    with pytest.raises(UserError, match="nothing to run"):
        small_study()
    with pytest.raises(UserError, match="a seed twice"):
        small_study(arm("a"), seeds=(1, 1))
    with pytest.raises(UserError, match="folder's name"):
        arm("../a")
    with pytest.raises(UserError, match="both settings and problems"):
        ArmConfig("a", Supervision.STEPS, SFT)


def hashes(*arms: ArmConfig, seed: int = 0, **more: Any) -> dict[str, str]:
    configs = configurations(small_study(*arms, **more), seed)
    return {name: config_hash(name, config) for name, config in configs.items()}


def test_a_hash_covers_the_arm_its_base_the_seed_and_the_evaluation():
    base, child = arm("base"), arm("child", "base")
    before = hashes(base, child)
    assert before == hashes(base, child)
    longer = hashes(arm("base", settings=SFTSettings(max_steps=4, batch_size=8)), child)
    assert not set(before.values()) & set(longer.values())
    assert not set(before.values()) & set(hashes(base, child, seed=1).values())
    other = hashes(base, child, evaluation=EvalConfig(6, 3))
    assert not set(before.values()) & set(other.values())
    assert hashes(base, child, arm("more", "base"))["child"] == before["child"]


def test_seeds_have_no_problem_in_common():
    """Or several seeds of one pretrained model would be one draw of problems, counted often."""
    lessons = ArmConfig(
        "base",
        Supervision.STEPS,
        SFT,
        lambda seed: uniform(Bits(), "train", (1, 2), seed, COLD_START),
    )
    tasks = {}
    for seed in (0, 1, 2):
        drawn = made(lessons, seed).draw(40)
        tasks[seed] = {(each.task.level, each.task.index) for each in drawn}
        assert [each.task for each in made(lessons, seed).draw(40)] == [d.task for d in drawn]
        assert made(lessons, seed).problems == 0
    assert not tasks[0] & tasks[1]
    assert not tasks[1] & tasks[2]
    assert min(index for _, index in tasks[0]) == COLD_START
    assert configurations(small_study(lessons), 1)["base"]["moved_by"] == SEED_STRIDE
    assert "moved_by" not in configurations(small_study(lessons), 0)["base"]


def made(arm: ArmConfig, seed: int) -> TaskStream:
    found = arm.stream_of(seed)
    assert found
    return found


def test_a_hash_does_not_depend_on_folders():
    assert hashes(arm("a"), about={"env": "/home/x/reverse.py:Reverse?n=2"}) == hashes(
        arm("a"), about={"env": "reverse.py:Reverse?n=2"}
    )
    nested = {"a": ["dapo?inner=(/x/y.py:Sec?rate=1)&batches=2", 3, None, "no/file"]}
    assert portable(nested) == {"a": ["dapo?inner=(y.py:Sec?rate=1)&batches=2", 3, None, "no/file"]}


def test_a_hash_follows_the_weights_of_a_model_and_not_its_folder(small_model: Path, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in small_model.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    here = hashes(arm("a"), model=str(small_model))
    assert here == hashes(arm("a"), model=str(copy))
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert here != hashes(arm("a"), model=str(copy))


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_settings_that_are_no_amounts_are_refused(value: float):
    with pytest.raises(UserError, match="--eval-tasks must be positive"):
        positive(eval_tasks=value)


def test_other_checks():
    not_negative(samples=0)
    shares(a=0.5, b=0.5)
    for wrong in (
        lambda: not_negative(samples=-1), lambda: not_negative(samples=float("nan")),
        lambda: shares(a=0.7, b=0.4), lambda: shares(a=-0.1), lambda: not_empty(levels=()),
        lambda: known("arm", ["a", "a"], "ab"), lambda: known("arm", ["c"], "ab"),
    ):  # fmt: skip
        with pytest.raises(UserError):
            wrong()
