"""`rlskills plan`: what it prints, and what it refuses."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import tyro

from rlskills.cli import entry as cli
from rlskills_recipes.grpo import Config

from .test_main import fails

ROOT = Path(__file__).parents[2]


def planned(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    cli.main(["plan", *words])
    return capsys.readouterr().out


def test_a_plan_has_all_parts(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    shown = planned(capsys, "--model", "8B", "--gpus", "8", "--length", "8192")
    for words in (
        "Qwen/Qwen3-8B: 8,190,735,360 parameters", "assumed", "--assumed.mfu", "measured on a GPU",
        "weights", "optimizer state", "KV cache", "activations", "logits of the loss", "zero2",
        "GiB short", "tokens per s", "rollout", "training", "100,000 rollouts: 196 steps",
        "GPU hours", "$", "without checkpointing", "sampling on GPUs of their own",
        "in turn", "overlapped",
    ):  # fmt: skip
        assert words in shown, words


@pytest.mark.parametrize(
    "words",
    [
        ["--model", "8B"],
        ["--model", "8B", "--engine", "transformers"],
        ["--model", "0.6B", "--gpus", "1", "--length", "2048"],
        ["--model", "70B", "--lora-rank", "16", "--base-dtype", "bfloat16"],
    ],
)
def test_the_flags_are_those_of_a_run(capsys, words: list[str]):
    """Every command that is printed is one that `rlskills run` and accelerate can be told."""
    lines = planned(capsys, *words).splitlines()
    runs = [shlex.split(line) for line in lines if "rlskills run grpo" in line]
    assert runs
    for run in runs:
        at = run.index("grpo")
        config = tyro.cli(Config, args=run[at + 1 :])
        processes = 1
        if run[0] == "accelerate":
            assert (ROOT / run[run.index("--config_file") + 1]).is_file()
            processes = int(run[run.index("--num_processes") + 1])
        rows = config.rl.prompts_per_step * config.rl.group_size
        assert rows % (processes * config.rl.gradient_accumulation_steps) == 0
        assert config.rl.prompts_per_step % processes == 0
        config.machine.vllm.check_processes(processes)


def test_what_does_not_fit_says_what_is_missing(capsys):
    shown = planned(capsys, "--model", "70B", "--gpus", "8")
    (line,) = (line for line in shown.splitlines() if line.startswith("does not fit"))
    assert re.search(r"[\d.]+ GiB are missing on each GPU", line)
    assert "--gpus 32" in line
    assert "--lora-rank 16" in line
    assert "rlskills run" not in shown
    again = planned(capsys, "--model", "70B", "--gpus", "32")
    assert "does not fit" not in again


def test_a_fixed_strategy_that_does_not_fit_names_one_that_does(capsys):
    line = planned(capsys, "--model", "8B", "--strategy", "ddp").splitlines()[-1]
    assert line.startswith("does not fit")
    assert "--strategy zero2" in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "9B"], "nothing is known here of the size of '9B'"),
        (["--model", "no/model"], "nothing is known here"),
        (["--gpu", "H10"], "did you mean 'H100'"),
        (["--gpus", "0"], "gpus must be at least 1"),
        (["--gpus", "7"], "must be a multiple of gpus"),
        (["--length", "100"], "must be above prompt_length"),
        (["--group-size", "1"], "group_size must be at least 2"),
        (["--micro-batch", "7"], "must divide the 64 rows"),
        (["--strategy", "fsdp2"], "not those of FSDP"),
        (["--lora-rank", "-1"], "lora_rank"),
        (["--base-dtype", "bfloat16"], "under adapters"),
        (["--rollouts", "0"], "rollouts"),
        (["--memory", "nan"], "memory must be finite"),
        (["--assumed.mfu", "0"], "mfu must be above 0"),
        (["--assumed.usable", "1.5"], "usable must be above 0"),
    ],
)
def test_bad_input_is_one_line(capsys, words: list[str], said: str):
    assert said in fails(capsys, "plan", *words)


def test_prices_and_memory_can_be_set(capsys):
    shown = planned(capsys, "--model", "0.6B", "--gpus", "1", "--price", "0", "--length", "1024")
    assert "$0" in shown
    shown = planned(capsys, "--model", "0.6B", "--gpus", "1", "--memory", "4")
    assert "does not fit" in shown
