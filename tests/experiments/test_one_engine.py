"""An arm has one engine, and whatever it samples comes from the weights of that moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from rlskills.experiments import ArmConfig, Supervision, arm
from rlskills.generation.hf import Transformers
from rlskills.training import trl
from rlskills.training.settings import RLSettings, SFTSettings

from ..training.small import run, small_study, stream

RL = RLSettings(
    max_steps=3, prompts_per_step=8, group_size=4, max_new_tokens=6, learning_rate=1e-2,
    eval_every=1, save_every=2, engine="transformers",
)  # fmt: skip
SFT = SFTSettings(max_steps=2, batch_size=8, learning_rate=1e-2, eval_every=1, save_every=2)


class Copied(Transformers):
    """As an engine in a program of its own: it knows weights that it was told to take over."""

    made = 0
    calls = 0

    def __init__(self, loaded: Any) -> None:
        super().__init__(loaded)
        type(self).made += 1
        self.step: int | None = None
        self.weights: list[torch.Tensor] = []

    def sync(self, step: int) -> None:
        if step != self.step:
            self.step = step
            self.weights = [weight.detach().clone() for weight in self.loaded.model.parameters()]

    def generate(self, prompts: Any, params: Any, seed: int) -> Any:
        type(self).calls += 1
        now = self.loaded.model.parameters()
        assert all(torch.equal(a, b) for a, b in zip(self.weights, now, strict=True))
        return super().generate(prompts, params, seed)


@pytest.mark.parametrize("settings", [RL, SFT], ids=["rl", "sft"])
def test_training_curve_and_end_sample_the_weights_of_their_step(
    small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
):
    monkeypatch.setattr(Copied, "made", 0)
    monkeypatch.setattr(Copied, "calls", 0)
    monkeypatch.setattr(arm, "select_engine", lambda loaded, *_: Copied(loaded))
    monkeypatch.setattr(trl, "select_engine", lambda *_, **__: pytest.fail("a second engine"))
    one = ArmConfig("one", Supervision.ANSWERS, settings, stream())
    run(small_study(one, model=str(small_model)), tmp_path)
    assert Copied.made == 1
    assert Copied.calls >= 2 * settings.max_steps


def test_arms_that_do_not_sample_are_evaluated_by_the_engine_of_those_that_do():
    base = ArmConfig("base", Supervision.NONE)
    rl = ArmConfig("rl", Supervision.ANSWERS, RL, stream(), "base")
    study = small_study(base, rl)
    assert [study.engine_of(each) for each in study.arms] == ["transformers"] * 2
    assert small_study(base).engine_of(base) == "auto"
