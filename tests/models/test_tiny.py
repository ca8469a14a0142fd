from __future__ import annotations

import string
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from rlskills import environments
from rlskills.errors import UserError
from rlskills.models.choose_kernels import resolve
from rlskills.models.kernels import Kernels
from rlskills.models.loading import load
from rlskills.models.tiny import TinyConfig, save_tiny, tiny_model, tiny_tokenizer

TOKENIZER = tiny_tokenizer()


@given(st.text(alphabet=sorted(set(string.printable) - set("\t\r\x0b\x0c"))))
def test_text_survives_the_tokenizer(text: str):
    ids = TOKENIZER(text)["input_ids"]
    assert len(ids) == len(text)
    assert TOKENIZER.decode(ids) == text


def test_saved_preset_loads_like_any_model(small_model: Path):
    tokenizer = AutoTokenizer.from_pretrained(small_model)
    model = AutoModelForCausalLM.from_pretrained(small_model)
    assert (small_model / "tokenizer.json").exists()
    ids = tokenizer("F01(ab)?", return_tensors="pt")
    assert model(**ids).logits.shape == (1, 8, len(tokenizer))
    assert tokenizer("é")["input_ids"] == [tokenizer.unk_token_id]


def test_seed_decides_the_weights(tmp_path: Path):
    def first(seed: int) -> torch.Tensor:
        return next(tiny_model(TinyConfig(hidden=32, layers=1), 99, seed).parameters())

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))
    state = torch.random.get_rng_state()
    save_tiny(tmp_path, 3, TinyConfig(hidden=32, layers=1))
    assert torch.equal(state, torch.random.get_rng_state())  # nobody else's generator is used


class Greek(environments.Environment):
    """Prompts that the tiny tokenizer cannot read."""

    name = "greek"

    def make(self, rng, cfg):
        return environments.Draft(prompt=f"say {rng.randrange(1000)} λ", answer="1")


def test_unreadable_and_overlong_prompts_are_named(small_model: Path):
    loaded = load(str(small_model), Kernels("eager", "highest"))
    with pytest.raises(UserError, match=r"cannot encode 'λ' in a prompt of greek \(level 1\)"):
        loaded.check([(Greek(), Greek().task("train", 1, 0))], 10)
    env = environments.load("string_transform", preset="tiny")
    short = env.task("train", 2, 0)
    loaded.check([(env, short)], 100)
    with pytest.raises(UserError, match="does not fit the model's 256 positions"):
        loaded.check([(env, short)], 250)


def test_unknown_models_are_one_clear_error(tmp_path: Path):
    with pytest.raises(UserError, match="no such model folder"):
        load(str(tmp_path / "nothing"), Kernels("eager", "highest"))
    with pytest.raises(
        UserError, match=r"cannot load model .*the presets are 'tiny', 'tiny-base', 'smollm2'"
    ):
        load("no-such-model", Kernels("eager", "highest"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="cannot load model"):
        load(str(tmp_path / "empty"), Kernels("eager", "highest"))


def test_kernels_are_resolved_once_and_named():
    found = resolve(Kernels(), "cpu")
    assert found.resolved
    assert found.attention in ("eager", "sdpa")
    assert resolve(Kernels("sdpa", "high", "float32", 9), "cpu").attention == "sdpa"
    assert resolve(Kernels("sdpa", "auto"), "cpu").attention == "sdpa"
    with pytest.raises(UserError, match="did you mean 'eager'"):
        Kernels("eagre", "auto")
