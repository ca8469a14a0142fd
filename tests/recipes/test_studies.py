"""Recipes as modules: studies that others import, treatments, and settings that cannot be meant."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from rlskills.cli import entry as cli
from rlskills.cli.run import _defaults
from rlskills.errors import UserError
from rlskills.experiments import Supervision
from rlskills.experiments.identity import configurations
from rlskills.experiments.recipe import RECIPES, find_recipe
from rlskills.simulation import TRAINED
from rlskills.stats import Interval
from rlskills.training.settings import RLSettings
from rlskills.training.stream import COLD_START
from rlskills_recipes import ablations, curricula, environments, grpo, quickstart, rft
from rlskills_recipes.curricula_tables import beside_simulation, shares_of
from rlskills_recipes.pools import POOLS
from rlskills_recipes.string_world import World

pytestmark = pytest.mark.long

TINY = "string_transform?preset=tiny"
ROOT = Path(__file__).parents[2]


def test_every_recipe_has_a_name_a_study_and_at_most_eighty_lines():
    for name in RECIPES.names():
        recipe = find_recipe(name)
        module = sys.modules[recipe.config.__module__]
        assert callable(recipe.main)
        # Two recipes run the studies of others, one after the other.
        assert hasattr(module, "study") or name in ("ablations", "environments")
    for file in (ROOT / "recipes/rlskills_recipes").glob("*.py"):
        assert len(file.read_text().splitlines()) <= 80, file.name


def test_the_quickstart_is_a_study_to_import():
    config = quickstart.Config(eval_tasks=1, seeds=2, first_seed=3, arms=("rft", "grpo"))
    study = quickstart.study(config)
    assert [(arm.name, arm.start) for arm in study.arms] == [
        ("base", ""), ("rft", "base"), ("grpo", "base")
    ]  # fmt: skip
    assert (study.seeds, len(study.eval_sets)) == ((3, 4), 12)
    with pytest.raises(UserError, match="did you mean 'grpo'"):
        quickstart.study(replace(config, arms=("gpro",)))


@pytest.mark.parametrize("module", [grpo, rft])
def test_rl_draws_other_problems_than_its_cold_start(module: ModuleType):
    study = module.study(module.Config(env=TINY, eval_tasks=1))
    base, arm = (each.stream_of(0) for each in study.arms)
    shown = {(drawn.task.level, drawn.task.index) for drawn in base.draw(8)}
    asked = {(drawn.task.level, drawn.task.index) for drawn in arm.draw(8)}
    assert min(index for _, index in shown) >= COLD_START > max(index for _, index in asked)


def test_arms_that_mean_the_same_have_one_configuration():
    """A base is shared between recipes, and what a recipe is run with does not change it."""
    first, second = (
        configurations(module.study(module.Config(env=TINY, eval_tasks=1)), 0)["base"]
        for module in (grpo, rft)
    )
    assert first == second


def test_ablations_change_one_setting_of_the_quickstart():
    config = ablations.Config(only=("copying 0.3", "KL 0.03"), seed=2, output=Path("out"))
    rows = dict(ablations.configurations(config))
    assert rows["copying 0.3"].world == World(copying=0.3)
    assert rows["KL 0.03"].world == World()
    assert rows["KL 0.03"].grpo == replace(quickstart.Config().grpo, beta=0.03)
    assert rows["KL 0.03"].output == Path("out/KL-0.03")
    assert {row.all_seeds for row in rows.values()} == {(2,)}
    with pytest.raises(UserError, match=r"did you mean 'KL 0\.03'"):
        ablations.Config(only=("KL 0.3",))


def test_every_environment_has_a_configuration_of_grpo():
    config = environments.Config(cold_start_steps=7)
    made = environments.grpo_config(config, "lego")
    assert (made.env, made.levels) == ("lego?preset=tiny&group=z3", (2,))
    assert (made.cold_start.max_steps, made.rl.max_new_tokens) == (7, 24)
    assert made.output == config.output / "lego"


def test_treatments_make_the_arm_and_its_supervision():
    made = grpo.study(grpo.Config(env=TINY, treatments=("maxrl", "step_credit?mode=terminal")))
    arm = made.arms[-1]
    assert arm.name == "maxrl+step_credit"
    assert arm.supervision == Supervision.STEPS
    assert isinstance(arm.settings, RLSettings)
    assert arm.settings.treatments == ("maxrl", "step_credit?mode=terminal")
    assert grpo.study(grpo.Config(env=TINY)).arms[-1].supervision == Supervision.ANSWERS
    for wrong in (("gpro",), ("rft?max_prompt=1",), ("rft?max_per_prompt=x",)):
        with pytest.raises(UserError):
            grpo.study(grpo.Config(env=TINY, treatments=wrong))
    with pytest.raises(UserError, match="--treatments names nothing"):
        grpo.study(grpo.Config(env=TINY, treatments=()))


@pytest.mark.parametrize(
    "words",
    [
        ["quickstart", "--eval-tasks", "0"],
        ["quickstart", "--seeds", "-1"],
        ["quickstart", "--world.copying", "0.9"],
        ["quickstart", "--world.composing", "nan"],
        ["quickstart", "--alone", "1.5"],
        ["quickstart", "--machine.threads", "-2"],
        ["quickstart", "--machine.attention", "none"],
        ["grpo", "--env", TINY, "--samples", "-1"],
        ["grpo", "--env", TINY, "--levels"],
        ["sft", "--env", TINY, "--max-new-tokens", "0"],
        ["curricula", "--targets", "nan"],
        ["curricula", "--methods"],
        ["environments", "--samples", "0"],
        ["ablations", "--only", "nothing"],
        ["quickstart", "--config", "nowhere.yaml"],
        ["quickstart", "--config"],
    ],
)
def test_settings_that_cannot_be_meant_are_one_line(words: list[str], capsys):
    with pytest.raises(SystemExit) as error:
        cli.main(["run", *words])
    assert error.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("rlskills: ")
    assert said.count("\n") == 1, said


MINE = '''"""Supervised training on rows, a recipe of one's own."""

from dataclasses import dataclass
from pathlib import Path

from rlskills.cli import command_line
from rlskills.experiments import Study, run_study
from rlskills_recipes import sft


@dataclass(frozen=True, kw_only=True)
class Config(sft.Config):
    """An environment chosen beforehand."""

    env: str = "string_row?functions=train&common=56"
    output: Path = Path("runs/mine")


def study(config: Config) -> Study:
    return sft.study(config)


def main(config: Config) -> None:
    run_study(study(config), config)


if __name__ == "__main__":
    command_line(main, Config, "mine")
'''
SETTINGS = """eval_tasks = 3
samples = 1
[sft]
max_steps = 2
batch-size = 4
save_every = 5
[machine]
threads = 1
attention = "eager"
precision = "medium"
"""


def test_a_recipe_of_ones_own_runs_from_files_and_its_saved_settings_repeat_it(
    tmp_path: Path, capsys, monkeypatch
):
    recipe, settings, output = (tmp_path / name for name in ("mine.py", "few.toml", "out"))
    recipe.write_text(MINE)
    settings.write_text(SETTINGS)
    words = ["--config", str(settings), "--eval-tasks=2", f"--output={output}"]
    cli.main(["run", str(recipe), *words])
    assert "reused" not in capsys.readouterr().out
    saved = (output / "config.yaml").read_text()
    assert "eval_tasks: 2\n" in saved  # the flag, not the file
    assert "  max_steps: 2\n" in saved
    cli.main(["run", str(recipe), f"--config={output}/config.yaml"])
    assert capsys.readouterr().out.count("complete, reused") == 2
    assert (output / "config.yaml").read_text() == saved
    again = [sys.executable, str(recipe), "--config", str(output / "config.yaml")]
    done = subprocess.run(again, capture_output=True, text=True, check=False)
    assert done.stdout.count("complete, reused") == 2, done.stderr
    (output / "config.yaml").write_text(saved.replace("max_steps", "max_step"))
    with pytest.raises(SystemExit):
        cli.main(["run", str(recipe), "--config", str(output / "config.yaml")])
    assert "did you mean 'max_steps'" in capsys.readouterr().err


def test_a_file_that_is_no_recipe_is_named(tmp_path: Path, capsys):
    (tmp_path / "mine.py").write_text("X = 1\n")
    with pytest.raises(SystemExit):
        cli.main(["run", str(tmp_path / "mine.py")])
    assert "unknown recipe class" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--world.copying", ".3"], ["--stage1.max-steps", "7"]])
def test_a_base_that_ships_has_one_world(flags: list[str], tmp_path: Path, capsys):
    """Another one would be asked of a model that never saw it."""
    with pytest.raises(SystemExit) as error:
        cli.main(["run", "quickstart", *flags, "--output", str(tmp_path)])
    assert error.value.code == 2
    assert "add --from-scratch" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_whole_quickstart_can_follow_the_quick_one():
    quick = _defaults(quickstart.Config, None, ["--quick"], None)
    assert quick.output != quickstart.Config().output
    assert (quick.arms, quick.grpo.max_steps) == (("grpo", "sft_answers"), 60)


def test_pools_have_units_levels_and_lessons_of_their_kind():
    plans = {name: make() for name, make in POOLS.items()}
    assert {name: len(plan.units) for name, plan in plans.items()} == {
        "mixed": 176, "disguised": 176, "open": 80, "three": 64 + 8
    }  # fmt: skip
    useless = [unit for unit, one in plans["mixed"].units.items() if one.kind]
    assert len(useless) == 96
    for name in ("mixed", "disguised"):
        labels = {plans[name].units[unit].labels for unit in useless}
        assert {label.level for label in labels} == ({1} if name == "mixed" else {1, 2, 3, 4, 5})
    told = plans["disguised"].units[useless[0]].labels.skills
    assert set(told) <= set(plans["open"].groups["train"].by_skill())
    assert shares_of(plans["mixed"])[0] == "kind/mastered"
    assert {plan.regime for plan in plans.values()} == {*TRAINED, ""}
    assert shares_of(plans["three"]) == (
        "kind/train", "kind/row", "kind/graph_path", "zero_variance"
    )  # fmt: skip


def test_a_pool_that_is_shown_some_problems_first_has_a_base_of_its_own():
    study = curricula.study(curricula.Config(pool="three", eval_tasks=1, methods=("uniform",)))
    assert [(arm.name, arm.start) for arm in study.arms] == [("base", ""), ("uniform", "base")]
    assert len(study.eval_sets) == 6
    shown, asked = (arm.stream_of(0) for arm in study.arms)
    assert shown
    assert asked
    drawn = {(d.task.env, d.task.level, d.task.index) for d in shown.draw(40)}
    assert {level for _, level, _ in drawn} == {1, 2}
    assert not drawn & {(d.task.env, d.task.level, d.task.index) for d in asked.draw(40)}


def test_the_ranking_in_training_stands_beside_the_simulated_one(tmp_path: Path):
    trained = {
        name: Interval(gain, gain, gain, "5 seeds")
        for name, gain in (("uniform", 1.0), ("sec", 2.0), ("mopps", 0.9), ("default", 1.3))
    }
    text = beside_simulation(trained, "few_groups", tmp_path, range(2))
    assert "| curriculum | in training | simulated: few\\_groups |" in text
    assert "| mopps | 0.90 [0.90, 0.90] |" in text
    simulated = {
        row.split(" | ")[0][2:]: float(row.split(" | ")[2].split()[0])
        for row in text.splitlines()
        if row.startswith(("| sec", "| mopps", "| default"))
    }
    order = sorted(simulated, key=simulated.__getitem__)
    apart = sum((i - order.index(n)) ** 2 for i, n in enumerate(("mopps", "default", "sec")))
    assert f"Rank correlation over 3 methods: {1 - apart / 4:.2f}." in text  # 1 - 6 sum / (n^3 - n)
