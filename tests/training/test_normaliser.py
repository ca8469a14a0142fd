"""Leaving out rows that have no gradient changes no gradient, where a loss promises that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from rlskills.models.loading import load
from rlskills.training.losses.normaliser import BY_ROWS, BY_TOKENS
from rlskills.training.settings import LossType, RLSettings
from rlskills.training.trl import RLTrainer

from .small import KERNELS, stream

SETTINGS = RLSettings(
    max_steps=1, prompts_per_step=8, group_size=4, max_new_tokens=6, save_every=100
)


def gradients(
    model: Path, folder: Path, settings: RLSettings, parts: int = 1
) -> tuple[float, torch.Tensor, Any]:
    """Of one round: the loss, its gradient, and the trainer."""
    torch.set_num_threads(1)
    settings = replace(settings, gradient_accumulation_steps=parts)
    trainer: Any = RLTrainer(load(str(model), KERNELS), stream(), settings, folder)
    batch = trainer._generate_and_score_completions(next(iter(trainer)))
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = parts
    total = 0.0
    rows = len(batch["advantages"]) // parts
    for part in range(parts):
        some = {
            name: value[part * rows : (part + 1) * rows] if value.dim() else value
            for name, value in batch.items()
        }
        loss = trainer._compute_loss(trainer.model, some)
        loss.backward()
        total += loss.item()
    found = torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None])
    return total, found, trainer


def test_every_loss_has_its_normaliser():
    assert {*BY_ROWS, *BY_TOKENS, "dapo"} == set(get_args(LossType))


@pytest.mark.parametrize("level", ["token", "sequence"])
@pytest.mark.parametrize("loss", [*BY_ROWS, *BY_TOKENS])
def test_rows_without_a_gradient_can_be_left_out(half_trained: Path, tmp_path: Path, loss, level):
    settings = replace(SETTINGS, loss=loss, importance_sampling_level=level)
    keep = replace(settings, treatments=("grpo?zero_variance=keep",))
    value, gradient, trainer = gradients(half_trained, tmp_path / "drop", settings)
    expected_value, expected, other = gradients(half_trained, tmp_path / "keep", keep)
    assert 0 < len([r for r in trainer.rounds[0] if r.kept]) < len(trainer.rounds[0])
    assert [r.ids for r in trainer.rounds[0]] == [r.ids for r in other.rounds[0]]
    assert value == pytest.approx(expected_value, rel=1e-5, abs=1e-6)
    assert float((gradient - expected).norm() / expected.norm()) < 1e-5


@pytest.mark.parametrize("loss", [*BY_ROWS, "cispo", "vespo", "dapo"])
def test_fillers_and_parts_change_nothing(half_trained: Path, tmp_path: Path, loss):
    """The mixed groups of a round fill three parts only with rows that carry no loss."""
    settings = replace(SETTINGS, loss=loss, prompts_per_step=9)
    _, expected, trainer = gradients(half_trained, tmp_path / "1", settings)
    _, found, _ = gradients(half_trained, tmp_path / "2", settings, parts=3)
    assert any(row.kept for row in trainer.rounds[0])
    assert float((found - expected).norm() / expected.norm()) < 1e-5


def test_dapo_is_a_mean_over_the_batch_by_definition(half_trained: Path, tmp_path: Path):
    settings = replace(SETTINGS, loss="dapo")
    keep = replace(settings, treatments=("grpo?zero_variance=keep",))
    _, found, trainer = gradients(half_trained, tmp_path / "drop", settings)
    _, expected, _ = gradients(half_trained, tmp_path / "keep", keep)
    rollouts = list(trainer.rounds[0])
    share = sum(r.sampled for r in rollouts) / sum(r.sampled for r in rollouts if r.kept)
    assert float((found - share * expected).norm() / found.norm()) < 1e-5


def test_replaced_groups_are_not_counted(half_trained: Path, tmp_path: Path):
    treatments = ("grpo", "dynamic_sampling?max_resamples=2")
    settings = replace(SETTINGS, loss="grpo", treatments=treatments)
    _, _, trainer = gradients(half_trained, tmp_path, settings)
    assert len(trainer.rounds) > 1
    assert trainer._left_out() == []


def test_masked_completions_count_as_rows_alone(half_trained: Path, tmp_path: Path):
    settings = replace(SETTINGS, loss="grpo", max_new_tokens=2, mask_truncated=True)
    _, _, trainer = gradients(half_trained, tmp_path, settings)
    cut = [r for r in trainer.rounds[0] if r.truncated]
    assert cut
    assert not any(r.kept for r in cut)
    assert any(r.counted_tokens == 0 for r in cut)
