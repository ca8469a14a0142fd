"""Defaults fit the model that is named, and flags override them."""

from __future__ import annotations

from typing import Any

import pytest

from rlskills.cli.run import run_recipe
from rlskills_recipes import grpo, sft


def parsed(recipe: Any, *words: str) -> Any:
    found: list[Any] = []
    run_recipe(found.append, recipe.Config, "recipe", ["--env", "countdown", *words])
    return found[0]


def test_a_chat_model_is_not_trained_at_the_rates_of_the_tiny_preset():
    tiny, chat = parsed(grpo), parsed(grpo, "--model", "smollm2")
    assert (tiny.rl.learning_rate, tiny.rl.max_new_tokens) == (3e-4, 64)
    assert tiny == parsed(grpo, "--model", "tiny")
    assert (chat.rl.learning_rate, chat.rl.max_new_tokens) == (1e-6, 512)
    assert (chat.cold_start.learning_rate, chat.rl.max_steps) == (2e-5, tiny.rl.max_steps)
    assert parsed(sft, "--model=smollm2").sft.learning_rate == 1e-5


def test_flags_override_them():
    chat = parsed(grpo, "--model", "smollm2", "--rl.learning-rate", "3e-4")
    assert (chat.rl.learning_rate, chat.rl.max_new_tokens) == (3e-4, 512)


def test_a_seed_that_does_nothing_is_no_flag(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as error:
        parsed(grpo, "--rl.seed", "7")
    assert error.value.code == 2
    assert "--rl.seed" in capsys.readouterr().err
