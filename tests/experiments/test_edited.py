"""What decides a result is in its hash: the sources of what is given by file, grader included."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from rlskills.console import Console
from rlskills.environments import load
from rlskills.errors import UserError
from rlskills.evaluation.eval_sets import make_eval_sets
from rlskills.experiments import ArmConfig, RunConfig, Study, Supervision, run_study
from rlskills.experiments.identity import configurations
from rlskills.report.comparison import compare
from rlskills.training.settings import RLSettings, SFTSettings
from rlskills.training.stream import taught, uniform, units_of

from ..training.small import EVAL_SETS, MACHINE, small_study

REV = '''
from rlskills.environments import Draft, Environment


class Rev(Environment):
    """Copy a letter."""

    test_percent = 50

    def make(self, rng, cfg):
        letter = rng.choice("ab")
        return Draft(f"{rng.randrange(10**6)} {letter}=", letter)

    def parse(self, text):
        return text[:4] or None

    def answer_only(self, task):
        return task.answer
'''
EASY = """
    def verify(self, task, answer):
        return 1.0
"""
OWN = '''
from rlskills.curricula import Uniform
from rlskills.training.treatments import Treatment

class Mine(Uniform):
    name = "mine"

class Own(Treatment):
    """Does nothing."""
'''
SFT = SFTSettings(max_steps=2, batch_size=4, eval_every=0, save_every=2)


def rev(folder: Path, more: str = "") -> str:
    """The environment as a file in a folder of its own: a process imports a file once."""
    folder.mkdir()
    (folder / "rev.py").write_text(REV + more)
    return f"{folder / 'rev.py'}:Rev"


def study(spec: str, model: str = "tiny", arm: str = "base") -> Study:
    env = load(spec)
    lessons = ArmConfig(arm, Supervision.STEPS, SFT, lambda seed: uniform(env, "train", [1], seed))
    return small_study(lessons, model=model, eval_sets=tuple(make_eval_sets({"all": env}, [1], 4)))


def run(made: Study, folder: Path, **more: Any) -> str:
    shown = io.StringIO()
    config = RunConfig(output=folder, machine=MACHINE, **more)
    run_study(made, config, Console(file=shown, width=400))
    return shown.getvalue()


def test_the_source_is_in_the_configuration_and_its_folder_is_not(tmp_path: Path):
    here = configurations(study(rev(tmp_path / "a")), 0)["base"]
    there = configurations(study(rev(tmp_path / "b", "\n# A remark.\n")), 0)["base"]
    edited = configurations(study(rev(tmp_path / "c", EASY)), 0)["base"]
    assert here == there
    assert here["code"] == here["eval_code"]
    assert list(here["code"]) == ["rev.py"]
    assert here["code"] != edited["code"]
    assert {name for name in here if here[name] != edited[name]} == {"code", "eval_code"}


def test_curricula_and_treatments_by_file_are_in_it_too(tmp_path: Path):
    (tmp_path / "own.py").write_text(OWN)
    env = load("string_transform?preset=tiny")
    settings = RLSettings(max_steps=1, treatments=("grpo", f"{tmp_path / 'own.py'}:Own"))
    chosen = f"dapo?inner=({tmp_path / 'own.py'}:Mine)"

    def of(settings: RLSettings, curriculum: str) -> dict[str, Any]:
        def problems(seed: int) -> Any:
            return taught(units_of(env, "train", [1]), curriculum, seed)

        arm = ArmConfig("grpo", Supervision.ANSWERS, settings, problems)
        sets = tuple(make_eval_sets({"all": env}, [1], 2))
        return configurations(small_study(arm, eval_sets=sets), 0)["grpo"]

    assert list(of(settings, "uniform")["code"]) == ["own.py"]
    assert list(of(RLSettings(max_steps=1), chosen)["code"]) == ["own.py"]
    packaged = of(RLSettings(max_steps=1), "tscl_window")
    assert not {"code", "eval_code", "versions"} & set(packaged)


def test_a_version_of_a_package_counts_where_only_training_uses_it(monkeypatch):
    env = load("arithmetic")
    arm = ArmConfig("base", Supervision.STEPS, SFT, lambda seed: uniform(env, "train", [1], seed))
    assert "versions" not in configurations(small_study(arm, eval_sets=EVAL_SETS), 0)["base"]
    monkeypatch.setattr(type(env), "version", 2)
    found = configurations(small_study(arm, eval_sets=EVAL_SETS), 0)["base"]
    assert found["versions"] == {"arithmetic": 2}


def test_an_edited_file_is_refused_and_same_code_goes_on(small_model: Path, tmp_path: Path):
    out, model = tmp_path / "out", str(small_model)
    before, edited = rev(tmp_path / "a"), rev(tmp_path / "b", EASY)
    run(study(before, model), out)
    with pytest.raises(UserError) as error:
        run(study(edited, model), out)
    assert f"rev.py has changed since {out}/seed0/base was trained and measured" in str(error.value)
    assert "\n" not in str(error.value)
    assert "complete, reused" in run(study(edited, model), out, same_code=True)
    assert "same_code: false" in (out / "config.yaml").read_text()
    # An arm that is added then belongs to the others.
    run(study(edited, model, "late"), out, same_code=True)
    assert len(compare([out]).arms) == 2


def test_two_versions_of_a_grader_are_not_compared(small_model: Path, tmp_path: Path):
    model = str(small_model)
    run(study(rev(tmp_path / "a"), model), tmp_path / "one")
    run(study(rev(tmp_path / "b", EASY), model, "late"), tmp_path / "two")
    folders = [tmp_path / "one", tmp_path / "two"]
    with pytest.raises(UserError, match=r"were graded with two versions of rev\.py"):
        compare(folders)
    notes = " ".join(compare(folders, same_code=True).notes)
    assert "were graded with two versions of rev.py" in notes
    assert "were trained with two versions of rev.py" in notes
