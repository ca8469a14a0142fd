"""Recipes from end to end, with settings of seconds, through the command that users type."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rlskills.cli import entry as cli
from rlskills.cli.run import recipe_summaries
from rlskills.models.identity import identity_of
from rlskills.models.tiny_base import tiny_base
from rlskills.training.treatments import treatment_specs
from rlskills_recipes import quickstart, treatments
from rlskills_recipes.treatments import Config as TreatmentsConfig

pytestmark = pytest.mark.long

ROOT = Path(cli.__file__).parents[2]
KINDS = ("mastered", "impossible", "coin")
FEW = ["--machine.threads", "1", "--machine.attention", "eager", "--machine.precision", "medium"]


def run(name: str, *words: str) -> None:
    cli.main(["run", name, *FEW, *words])


def test_the_help_of_a_recipe_waits_for_no_training_library():
    code = (
        "import sys; from rlskills.cli.run import recipe_summaries;"
        "from rlskills.experiments.recipe import find_recipe;"
        "names = [find_recipe(name).name for name in recipe_summaries()];"
        "print(names, {'torch', 'accelerate', 'transformers', 'trl'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == f"{list(recipe_summaries())} set()"


def test_quickstart_makes_five_models_tables_and_plots(tmp_path: Path, capsys):
    small = [
        "--from-scratch",
        *(f"--{arm}.max-steps=2" for arm in ("stage1", "grpo", "rft", "sft")),
    ]
    small += [
        "--grpo.prompts-per-step=4",
        "--grpo.group-size=4",
        "--rft.prompts-per-step=4",
        "--rft.group-size=4",
    ]
    small += ["--sft.batch-size=16", "--eval-tasks=2", "--samples=2"]
    run("quickstart", "--output", str(tmp_path), *small)
    shown = capsys.readouterr().out
    for arm in ("base", "grpo", "rft", "sft_answers", "sft_worked"):
        assert arm in shown
    assert f"tensorboard --logdir {tmp_path}" in shown.replace("\n", "")
    assert (tmp_path / "comparison.md").exists()
    assert {file.stem for file in tmp_path.glob("*.png")} == {
        "levels_greedy", "curves_samples", "failures"
    }  # fmt: skip
    for arm in ("base", "grpo", "rft", "sft_answers", "sft_worked"):
        folder = tmp_path / "seed0" / arm
        assert json.loads((folder / "run.json").read_text())["status"] == "complete"
        eval_sets = json.loads((folder / "evaluation.json").read_text())["eval_sets"]
        assert {(p["group"], p["level"]) for p in eval_sets} == {
            (group, level) for group in ("common", "train", "held_out") for level in range(1, 5)
        }
    run("quickstart", "--output", str(tmp_path), *small)
    assert capsys.readouterr().out.count("complete, reused") == 5


def test_quick_starts_from_the_base_that_ships(tmp_path: Path, capsys):
    few = ["--grpo.max-steps=1", "--sft.max-steps=1", "--grpo.prompts-per-step=2"]
    few += ["--sft.batch-size=8", "--eval-tasks=4", "--first-seed=1"]
    run("quickstart", "--quick", "--output", str(tmp_path), *few)
    shown = capsys.readouterr().out
    assert shown.index(f"curves: tensorboard --logdir {tmp_path}") < shown.index("grpo 0/1: ")
    assert re.search(r"grpo 1/1: common( \S+){4} \S+  train( \S+){4} \S+  held_out", shown)
    runs = {path.parent.name: json.loads(path.read_text()) for path in tmp_path.rglob("run.json")}
    assert runs.keys() == {"base", "grpo", "sft_answers"}
    assert runs["base"]["base_weights"] == identity_of(str(tiny_base(1)))
    evaluation = json.loads((tmp_path / "seed1/base/evaluation.json").read_text())
    greedy = [task["greedy"] for task in evaluation["eval_sets"][0]["tasks"]]
    assert (len(greedy), sum(greedy)) == (4, 4)  # common functions alone are known


def readme_block(language: str, holding: str) -> str:
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return next(block for block in blocks if holding in block)


def test_the_readmes_own_environment_is_trained_on(tmp_path: Path, capsys, monkeypatch):
    code = readme_block("python", "@register(")
    assert len(code.strip().splitlines()) <= 25
    (tmp_path / "reverse.py").write_text(code)
    command = next(
        line
        for line in readme_block("sh", "reverse.py").splitlines()
        if "rlskills run grpo" in line
    )
    words = command.split()[3:]
    monkeypatch.chdir(tmp_path)
    few = [
        "--cold-start.max-steps=3",
        "--rl.max-steps=2",
        "--rl.prompts-per-step=4",
        "--eval-tasks=4",
    ]
    run("grpo", *words, *few)
    assert "grpo" in capsys.readouterr().out
    runs = list(tmp_path.rglob("run.json"))
    assert {json.loads(path.read_text())["arm"] for path in runs} == {"base", "grpo"}


def test_grpo_without_a_cold_start_measures_the_model_as_it_is(tmp_path: Path, small_model: Path):
    words = ["--env", "string_transform?preset=tiny", "--levels", "1", "--no-cold-start"]
    words += ["--model", str(small_model), "--output", str(tmp_path), "--reward", "paper"]
    run(
        "grpo",
        *words,
        "--rl.max-steps=1",
        "--rl.prompts-per-step=2",
        "--rl.group-size=2",
        "--rl.max-new-tokens=8",
        "--eval-tasks=2",
    )
    base = json.loads((tmp_path / "seed0/base/run.json").read_text())
    assert base["status"] == "complete"
    assert "settings" not in base["config"]


def test_every_environment_gets_a_row(tmp_path: Path, capsys):
    words = ["--output", str(tmp_path), "--only", "procedure", "--eval-tasks=4"]
    words += ["--cold-start-steps=2", "--rl.max-steps=1", "--rl.prompts-per-step=4"]
    run("environments", *words, "--rl.group-size=2", "--samples=2")
    row = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"\| procedure \| 1 \| 2 (\| \S+ \[\S+, \S+\] (\* )?){3}\|", row), row
    rewards = json.loads((tmp_path / "procedure/seed0/grpo/evaluation.json").read_text())
    for task in rewards["eval_sets"][0]["tasks"]:
        assert 0 <= task["correct"] <= task["reward"] <= task["samples"] == 2
    run("environments", *words, "--rl.group-size=4")  # what cannot be run ends nothing
    row = capsys.readouterr().out.splitlines()[-1]
    assert "not run: " in row
    assert "another configuration" in row


@pytest.mark.parametrize("name", sorted(recipe_summaries()))
def test_help_is_complete(name: str, capsys):
    with pytest.raises(SystemExit) as error:
        run(name, "--help")
    assert not error.value.code
    shown = capsys.readouterr().out
    assert "(default:" in shown
    assert "--output" in shown


def test_treatments_are_compared_with_plain_grpo(tmp_path: Path, capsys):
    outside = ROOT / "tests/training/treatments/outside.py"
    words = ["--seeds=1", "--rl.max-steps=3", "--rl.prompts-per-step=4", "--rl.group-size=4"]
    words += ["--rl.max-rollouts=32", "--rl.eval-every=0", "--eval-tasks=2", "--samples=16"]
    words += [
        "--output",
        str(tmp_path),
        "--only",
        "rft?max_per_prompt=1",
        f"{outside}:Wander maxrl",
    ]
    for method in TreatmentsConfig().methods():
        assert treatment_specs(method)
    # Answers of level 4 are longer than those that are trained on.
    studies = (treatments.study(TreatmentsConfig()), quickstart.study(quickstart.Config()))
    asked = [study.evaluation.max_new_tokens for study in studies]
    assert asked == [128, 128]
    run("treatments", *words)
    shown = capsys.readouterr().out
    for arm in ("grpo", "rft-max_per_prompt-1", "Wander+maxrl"):
        folder = tmp_path / "seed0" / arm
        manifest = json.loads((folder / "run.json").read_text())
        assert (manifest["status"], manifest["budget"]["rollouts"]) == ("complete", 32)
        assert arm in shown
    assert "difference to grpo" in shown
    assert (tmp_path / "arena.png").exists()
    assert "| rft-max\\_per\\_prompt-1 |" in (tmp_path / "arena.md").read_text()


def test_curricula_are_compared_on_a_pool_of_useful_and_useless_units(tmp_path: Path, capsys):
    few = [
        "--grpo.max-steps=2",
        "--grpo.prompts-per-step=4",
        "--grpo.eval-every=1",
        "--eval-tasks=2",
    ]
    few += ["--output", str(tmp_path / "runs"), "--seeds=2"]
    methods = ("uniform", "default", "dapo?max_resamples=1")
    run("curricula", *few, "--methods", *methods, "--targets", "0.9", "1")
    table = (tmp_path / "runs" / "reached.md").read_text()
    assert table in capsys.readouterr().out
    assert table.count("| default | 0.1+ 0.1+ | 0 of 2 | 1.00 [1.00, 1.00] |") == 2
    assert "| arm | kind/mastered | kind/impossible | kind/coin |" in table
    assert "nan" not in table
    spent = {
        arm: json.loads((tmp_path / "runs/seed1" / arm / "run.json").read_text())["budget"]
        for arm in ("uniform", "default", "dapo-max_resamples-1")
    }
    # Two rounds of sampling make one update where others make two, so no arm gets more.
    assert spent["uniform"]["rollouts"] == spent["default"]["rollouts"] == 2 * 4 * 8
    assert 0 < spent["dapo-max_resamples-1"]["rollouts"] <= 2 * 4 * 8
    records = (tmp_path / "runs/seed1/default/metrics.jsonl").read_text().splitlines()
    logged = json.loads(records[-1])["metrics"]
    for tag in ("probability/L3", "probability/kind/coin", "probability/skill/F32"):
        assert 0 <= logged[f"curriculum/{tag}"] <= 1
    kinds = [logged[f"curriculum/probability/kind/{kind}"] for kind in KINDS]
    assert 0 < sum(kinds) < 1


@pytest.mark.torture
def test_a_recipe_runs_whole_under_a_launcher(tmp_path: Path):
    # accelerate launch starts a single process on a CPU without an MPI host file.
    program = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    program += ["--rdzv_backend", "c10d", "--rdzv_endpoint", "127.0.0.1:0"]
    program += ["-m", "rlskills", "run", "grpo", *FEW, "--output", str(tmp_path / "runs")]
    program += ["--env", "string_transform?preset=tiny", "--levels", "1", "--eval-tasks", "3"]
    program += ["--cold-start.max-steps", "2", "--cold-start.batch-size", "6"]
    program += ["--rl.max-steps", "2", "--rl.prompts-per-step", "4", "--rl.eval-every", "1"]
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'envs'}:{ROOT / 'recipes'}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        program, env=os.environ | paths, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("curves: tensorboard") == 2  # when it begins, and at the end
    for arm in ("base", "grpo"):
        run = json.loads(next((tmp_path / "runs").rglob(f"{arm}/run.json")).read_text())
        assert (run["status"], run["processes"]) == ("complete", 2)
        lines = (tmp_path / f"runs/seed0/{arm}/metrics.jsonl").read_text().splitlines()
        curve = [line for line in lines if "eval/string_transform/L1/greedy" in line]
        assert len(curve) == (3 if arm == "grpo" else 2)
    assert run["budget"]["rollouts"] == 2 * 4 * 8
