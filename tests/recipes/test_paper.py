"""The paper's experiment: its settings, its gate, its cost, and a whole run of a tiny one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rlskills import environments
from rlskills.cli import entry as cli
from rlskills.console import Console
from rlskills.errors import UserError
from rlskills.experiments import ArmConfig
from rlskills.experiments.estimate import Assumptions, costs, print_estimate, study_memory
from rlskills.experiments.gate import RecallGate, recall_set, skills_taught
from rlskills.models.shape import shape_of
from rlskills.planning.shapes import SHAPES
from rlskills.training import collected
from rlskills.training.settings import CollectSettings, RLSettings, SFTSettings
from rlskills.training.stream import TaskStream
from rlskills_recipes import quickstart
from rlskills_recipes.paper import Config, at_scale, study
from rlskills_recipes.paper_arms import matched, stage2
from rlskills_recipes.paper_stage1 import base

pytestmark = pytest.mark.long

FEW = ["--machine.threads=1", "--machine.attention=eager", "--machine.precision=medium"]
LLAMA = SHAPES["meta-llama/Llama-3.1-8B-Instruct"]
CUT = {"eval_tasks": 1, "recall_tasks": 1, "eval_levels": [1]}
"""Eval sets that are quick to draw."""


def test_the_papers_settings():
    config = at_scale("paper")
    assert config.model == "meta-llama/Llama-3.1-8B-Instruct"
    stage1 = config.stage1
    assert (stage1.problems, stage1.samples, stage1.temperature) == (50_000, 10, 1.0)
    assert (stage1.skip_solved, stage1.max_per_prompt) == (True, 0)
    assert (stage1.epochs, stage1.learning_rate, stage1.batch_size) == (2, 2e-5, 128)
    assert (stage1.max_length, stage1.max_new_tokens) == (5120, 8192)
    assert (stage1.lr_scheduler, stage1.warmup_share) == ("cosine", 0.1)
    assert (stage1.optimizer, stage1.beta2, stage1.weight_decay) == ("adamw", 0.95, 0.01)
    rl = config.rl
    assert (rl.prompts_per_step, rl.group_size, rl.learning_rate) == (16, 16, 1e-6)
    assert (rl.lr_scheduler, rl.warmup_steps, rl.weight_decay, rl.beta2) == ("constant", 0, 0.01,
                                                                             0.999)  # fmt: skip
    assert (rl.temperature, rl.max_new_tokens, rl.beta, rl.entropy_bonus) == (1.0, 8192, 0.0, 0.0)
    assert (rl.eval_every, rl.save_every, rl.loss) == (25, 25, "dapo")
    assert rl.treatments == ("grpo", "dynamic_sampling?max_resamples=19")
    rft = config.rft
    assert (config.iterations, rft.problems, rft.samples, rft.epochs) == (6, 8_000, 2, 1)
    assert (rft.skip_solved, rft.batch_size, rft.learning_rate) == (True, 128, 2e-5)
    strong = config.rft_strong
    assert (strong.samples, strong.skip_solved, strong.max_per_prompt) == (8, False, 2)
    assert (config.eval_levels, config.eval_tasks) == (tuple(range(1, 9)), 256)
    assert (config.groups, config.max_new_tokens) == (("held_out",), 8192)
    assert (config.functions, config.reward, config.level2_share) == ("paper", "paper", 0.5)
    assert (config.keep_definitions, config.restart, config.ignore_recall) == (False, False, False)


def test_claims_are_of_arms_and_eval_sets_of_the_study():
    for scale in ("tiny", "smollm2", "paper"):
        config = at_scale(scale, eval_tasks=1, recall_tasks=1)
        made = study(config)
        there = {arm.name for arm in made.arms} | {""}
        asked = {(each.group, each.level) for each in made.eval_sets}
        effects = [claim.effect for claim in made.claims if claim.effect]
        assert {arm for effect in effects for arm in (effect.arm, effect.against)} <= there
        assert {at for effect in effects for at in effect.at} <= asked
        names = {claim.name for claim in made.claims}
        assert len(names) == len(made.claims)
        assert ("single calls" in names) == (scale != "smollm2")
        assert {"composes", "ahead of a strong one", "atoms are kept"} <= names


def test_other_scales():
    tiny, small = at_scale("tiny"), at_scale("smollm2")
    assert tiny == Config()
    assert (tiny.model, tiny.functions) == ("tiny", "tiny")
    assert tiny.lessons == quickstart.Config().stage1
    assert (small.model, small.functions) == ("smollm2", "letters")
    made = study(replace(small, eval_tasks=1, recall_tasks=1))
    assert [arm.name for arm in made.arms] == [
        "base", "rl_l2", "rft_strong_1", "rft_strong_2", "sft_answers"
    ]  # fmt: skip
    rollouts = 60 * 8 * 4
    assert rollouts == 2 * _settings(made.arms[2], CollectSettings).problems * 8
    taught = {s for drawn in drawn_from(made.arms[0]).draw(300) for s in drawn.task.skills}
    assert len(taught) == 8
    for arm in made.arms[1:]:
        assert {s for d in drawn_from(arm).draw(99) for s in d.task.skills} == {"F02", "F03", "F04"}


def test_what_the_release_contradicts_is_an_option():
    stage1 = base(at_scale("paper")), base(at_scale("paper", keep_definitions=True))
    shown = [_settings(arm, CollectSettings).shown for arm in stage1]
    assert shown == [{"show_definitions": True}, {}]
    one, other = (drawn_from(arm).draw(3)[2].task for arm in stage1)
    assert one.key == other.key
    assert "def func_" not in one.text
    assert "def func_" in other.text
    release = at_scale("paper", rl={"entropy_bonus": 0.001}, reward="binary")
    assert release.rl == replace(at_scale("paper").rl, entropy_bonus=0.001)


def drawn_from(arm: ArmConfig) -> TaskStream:
    tasks = arm.stream_of(0)
    assert tasks is not None
    return tasks


def _settings(arm: Any, kind: type[Any]) -> Any:
    assert isinstance(arm.settings, kind)
    return arm.settings


def test_the_arms_of_stage_2():
    config = at_scale("paper")
    arms = {arm.name: arm for arm in stage2(config)}
    chain = [f"{name}_{i}" for name in ("rft", "rft_strong") for i in range(1, 7)]
    assert list(arms) == ["rl_l1", "rl_l2", "rl_l12", *chain]
    levels = {name: sorted(source.level for source in drawn_from(arms[name]).sources.values())
              for name in ("rl_l1", "rl_l2", "rl_l12", "rft_1")}  # fmt: skip
    assert levels == {"rl_l1": [1], "rl_l2": [2], "rl_l12": [1, 2], "rft_1": [2]}
    assert [arms[name].start for name in ("rl_l2", "rft_1", "rft_2", "rft_strong_2")] == [
        "base", "base", "rft_1", "rft_strong_1"
    ]  # fmt: skip
    train = set(environments.load("string_transform", preset="paper").skills()) | {"func_20"}
    for arm in (arms["rl_l12"], arms["rft_3"]):
        assert {s for drawn in drawn_from(arm).draw(20) for s in drawn.task.skills} <= train
    firsts = [drawn_from(arms[name]).draw(1)[0].task.index for name in ("rft_1", "rft_3")]
    assert firsts == [0, 2 * 8_000]
    anew = {arm.name: arm for arm in stage2(replace(config, restart=True))}
    assert (anew["rft_3"].start, anew["rft_3"].sampler) == ("base", "rft_2")
    assert [name for name, arm in arms.items() if arm.gate] == [
        "rl_l1", "rl_l2", "rl_l12", "rft_1", "rft_strong_1"
    ]  # fmt: skip
    few = replace(config, arms=("rft_strong",), iterations=2)
    assert [arm.name for arm in stage2(few)] == ["rft_strong_1", "rft_strong_2"]


def test_the_strong_baseline_has_the_rollouts_of_rl():
    config = at_scale("tiny")
    strong = matched(config)
    rollouts = config.rl.max_steps * config.rl.prompts_per_step * config.rl.group_size
    assert strong.problems * strong.samples * config.iterations == pytest.approx(rollouts, rel=0.01)
    twice = matched(replace(config, matched_rounds=2.0)).problems
    assert twice == pytest.approx(2 * strong.problems, abs=1)


@pytest.mark.parametrize(("preset", "taught"), [("paper", 24), ("clean", 19), ("tiny", 64)])
def test_every_function_that_stage_1_teaches_is_asked_alone(preset: str, taught: int):
    env = environments.load("string_transform", preset=preset, functions="all")
    names = skills_taught(env)
    assert len(names) == taught
    assert ("func_20" in names) is False  # with func_7 active the sampler never takes it
    asked = recall_set(env.with_options(balance=True), names, 2)
    assert sorted(task.skills for task in asked.tasks) == sorted((name,) for name in names * 2)
    assert {task.split for task in asked.tasks} == {"test"}
    assert not any("def func" in task.text for task in asked.tasks)


def evaluation(**right: int) -> dict[str, Any]:
    tasks = [
        {"skills": [skill], "greedy": i < n, "status": "ok"}
        for skill, n in right.items()
        for i in range(10)
    ]
    return {"eval_sets": [{"group": "recall", "level": 1, "tasks": tasks}]}


def test_the_gate_names_what_is_not_known():
    console = Console(record=True, width=100)
    gate = RecallGate(0.8)
    gate.check(evaluation(f=8, g=10), "base", console)
    with pytest.raises(UserError, match=r"does not know 1 of 2 skills .*: g; --ignore-recall"):
        gate.check(evaluation(f=8, g=7), "base", console)
    shown = console.export_text()
    assert "0.70" in shown
    assert "low" in shown
    RecallGate(0.8, enforced=False).check(evaluation(f=0, g=7), "base", console)
    assert "f, g; trained from it all the same" in console.export_text()
    with pytest.raises(UserError, match="no eval set"):
        gate.check({"eval_sets": []}, "base", console)


def test_memory_by_hand():
    """8.03 billion parameters on 8 GPUs, 256 sequences of 150 + 8192 tokens."""
    made = study(at_scale("paper", **CUT, arms=["rl_l2"]))
    found = study_memory(made, LLAMA, Assumptions(gpus=8))
    state = sum(found.training[name] for name in ("weights", "gradients", "optimizer state"))
    assert state == pytest.approx(16 * 8_030_261_248 / 8)
    assert found.sampling["copy for sampling"] / 2**30 == pytest.approx(14.957, abs=0.001)
    # Keys and values: 2 x 32 layers x 8 heads x 128 numbers of 2 bytes = 128 KiB for each token.
    assert found.sampling["KV cache"] == 32 * 8342 * 128 * 2**10


def test_costs_by_hand():
    made = study(at_scale("paper", **CUT, arms=["rl_l2", "rft"], iterations=1))
    assumed = Assumptions(rounds=2.0, kept=0.25, response_tokens=100, prompt_tokens=50,
                          sequences=10, mfu=0.25, bandwidth_share=0.5)  # fmt: skip
    found = {cost.arm: cost for cost in costs(made, LLAMA, assumed)}
    assert found["base"].rollouts == 500_000
    assert found["base"].rows == 2 * 125_000
    rl = found["rl_l2"]
    assert (rl.rollouts, rl.rows) == (2 * 1100 * 256, 1100 * 256)
    assert found["rft_1"].rollouts == 16_000
    # One held-out task and 24 of single functions: greedy and 4 samples; 45 points of the curve.
    assert rl.answers == 25 * 5 + 45 * 25
    # A token of 10 sequences: bfloat16 weights but the embeddings, 10 x 100 tokens of cache.
    multiplied = 8_030_261_248 - 128_256 * 4096
    token = (2 * multiplied + 10 * 100 * 128 * 2**10) / (3.35e12 * 0.5) + 32 * 3e-5
    seconds = (rl.rollouts + rl.answers) * 100 / 10 * token
    flops = 6 * multiplied + 12 * 32 * 4096 * 150
    seconds += rl.rows * 150 * flops / (989e12 * 0.25)
    assert rl.hours == pytest.approx(seconds / 3600)


def test_the_size_of_a_model_is_counted_from_its_folder(small_model: Path):
    import torch
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(small_model)
    shape = shape_of(str(small_model))
    assert shape.parameters == sum(each.numel() for each in loaded.parameters())
    assert shape.cached == 2 * 2 * 2 * 16
    assert shape_of("org/Qwen3-4B") == SHAPES["Qwen/Qwen3-4B"]
    with pytest.raises(UserError, match="nothing is known here of the size of 'no/model'"):
        shape_of("no/model")
    with pytest.raises(UserError, match="assumed gpus must be positive"):
        Assumptions(gpus=0)
    assert torch.get_default_dtype() == torch.float32


def test_a_dry_run_prints_settings_and_cost_and_writes_nothing(tmp_path: Path, capsys):
    words = ["--scale", "paper", "--dry-run", "--output", str(tmp_path / "out"), "--eval-tasks=1"]
    words += ["--recall-tasks=1", "--eval-levels", "1", "--rl.entropy-bonus=0.001"]
    cli.main(["run", "paper", *words, "--stage1.batch-size=16", "--seeds=2"])
    shown = capsys.readouterr().out
    assert "model: meta-llama/Llama-3.1-8B-Instruct" in shown
    assert "entropy_bonus: 0.001" in shown
    assert "batch_size: 16\n" in shown
    assert "problems: 50000\n" in shown
    assert "8,030,261,248 parameters" in shown
    assert "all, 2 seeds" in shown
    assert "mfu = 0.3" in shown
    assert "tokens per second" in shown
    assert not (tmp_path / "out").exists()
    print_estimate(study(at_scale("tiny", **CUT)), "tiny", Assumptions(gpus=1), Console())
    assert "tiny: " in capsys.readouterr().out


def test_settings_of_a_scale_a_file_and_flags(tmp_path: Path, capsys):
    """A flag is over a file and a file over the scale, which the file may name."""
    file = tmp_path / "mine.yaml"
    file.write_text("scale: smollm2\nrl:\n  max-steps: 7\n  learning_rate: 3.0e-6\n")
    words = ["--config", str(file), "--dry-run", "--eval-tasks=1", "--rl.max-steps=8"]
    cli.main(["run", "paper", *words, "--recall-tasks=1", "--eval-levels", "1", "--arms", "rl_l1"])
    shown = capsys.readouterr().out
    assert "scale: smollm2" in shown
    assert "model: smollm2" in shown
    assert "max_steps: 8\n" in shown
    assert "learning_rate: 3.0e-06" in shown
    assert "eval_every: 15" in shown  # of the scale
    with pytest.raises(SystemExit) as error:
        cli.main(["run", "paper", "--scale", "huge", "--dry-run"])
    assert error.value.code


def test_a_tiny_run_stops_at_the_gate_and_goes_on_past_it(tmp_path: Path, capsys, monkeypatch):
    """With completions taken for right that are not: after three updates none is."""
    monkeypatch.setattr(collected, "kept_of", lambda rollouts, settings: list(rollouts)[:4])
    words = ["--output", str(tmp_path), "--lessons.max-steps=3", "--lessons.batch-size=16"]
    words += ["--rl.max-steps=1", "--rl.prompts-per-step=4", "--rl.group-size=2", "--samples=1"]
    words += ["--eval-tasks=1", "--recall-tasks=1", "--eval-levels", "1", "2", "--curve-tasks=1"]
    words += ["--rft.problems=4", "--iterations=2", "--arms", "rl_l12", "rft_strong", *FEW]
    with pytest.raises(SystemExit) as error:
        cli.main(["run", "paper", *words])
    assert error.value.code == 2
    said = capsys.readouterr()
    assert "does not know" in said.err
    assert "F63" in said.out  # the table of every function
    assert {each.parent.name for each in tmp_path.rglob("run.json")} == {"base"}
    cli.main(["run", "paper", *words, "--ignore-recall"])
    shown = capsys.readouterr().out
    assert "base: complete, reused" in shown
    assert "trained from it all the same" in shown.replace("\n", " ")
    done = {json.loads(each.read_text())["arm"]: json.loads(each.read_text())["status"]
            for each in tmp_path.rglob("run.json")}  # fmt: skip
    arms = ("rl_l12", "rft_strong_1", "rft_strong_2")
    assert done == dict.fromkeys(("base", *arms), "complete")
    assert all(arm in shown for arm in arms)
    assert "recall" in shown
    assert (tmp_path / "comparison.md").exists()


def test_settings_are_for_the_scale(tmp_path: Path):
    assert isinstance(at_scale("paper").rl, RLSettings)
    assert isinstance(Config().lessons, SFTSettings)
    for wrong in ({"recall": 1.5}, {"level2_share": -0.1}, {"arms": ["grpo"]}, {"iterations": 0}):
        with pytest.raises(UserError):
            at_scale("tiny", **wrong)
