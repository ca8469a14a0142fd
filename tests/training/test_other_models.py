"""Any causal model with any chat template goes the same way as the tiny preset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlskills.training.settings import RLSettings, SFTSettings

from .small import stream, train


@pytest.mark.parametrize(
    "settings",
    [
        SFTSettings(max_steps=2, batch_size=8, save_every=1, eval_every=1),
        RLSettings(
            max_steps=2,
            prompts_per_step=2,
            group_size=2,
            max_new_tokens=4,
            save_every=1,
            eval_every=1,
        ),
        RLSettings(
            treatments=("rft",),
            max_steps=2,
            prompts_per_step=2,
            group_size=2,
            max_new_tokens=4,
            save_every=1,
            eval_every=1,
        ),
    ],
    ids=lambda settings: type(settings).__name__,
)
def test_a_chat_model_of_another_architecture_is_trained(chat_model, tmp_path: Path, settings):
    train(tmp_path, "arm", chat_model, settings, stream())
    run = tmp_path / "seed0" / "arm"
    assert json.loads((run / "run.json").read_text())["status"] == "complete"
    assert (run / "model" / "model.safetensors").exists()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 1, 2]
    assert lines[-1]["samples"] == 2 * (8 if isinstance(settings, SFTSettings) else 4)
