"""One mixed loss: policy gradient, cross-entropy and reference KL, each over its own tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from rlskills.training.batch import RolloutBatch
from rlskills.training.losses.cross_entropy import weighted_cross_entropy
from rlskills.training.losses.off_policy import sampling_ratio
from rlskills.training.settings import RLSettings
from rlskills.training.trl import RLTrainer

from .test_trl_contract import GRPO_SMALL, trained

OUTSIDE = Path(__file__).parent / "treatments" / "outside.py"


def test_cross_entropy_is_a_weighted_mean():
    logprobs = torch.tensor([[-0.1, -0.5, -1.2], [-2.0, 0.0, 0.0]])
    weight = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    assert weighted_cross_entropy(logprobs, weight, torch.tensor(3.0)).item() == pytest.approx(0.6)
    half = weighted_cross_entropy(logprobs, 0.3 * weight, torch.tensor(3.0))
    assert half.item() == pytest.approx(0.18)
    assert weighted_cross_entropy(logprobs, 0 * weight, torch.tensor(0.0)).item() == 0


def test_importance_ratios_are_bounded_and_1_where_unknown():
    policy = torch.tensor([[-1.0, -1.0, -1.0, -1.0]])
    drawn = torch.tensor([[-1.5, -9.0, -1.0, float("nan")]])
    known = torch.tensor([[1.0, 1.0, 0.0, 1.0]])
    ratio = sampling_ratio(policy, drawn, known, "token_truncate", most=2.0)
    assert ratio[0].tolist() == pytest.approx([1.6487, 2.0, 1.0, 1.0], abs=1e-4)
    ratio = sampling_ratio(policy, drawn, known, "token_mask", most=2.0)
    assert ratio[0].tolist() == pytest.approx([1.6487, 0.0, 1.0, 1.0], abs=1e-4)
    ratio = sampling_ratio(policy, drawn, known, "token_truncate", least=1.2, most=1.5)
    assert ratio[0].tolist() == pytest.approx([1.5, 1.5, 1.2, 1.2], abs=1e-4)


def test_a_sequence_has_one_importance_ratio():
    policy, known = torch.tensor([[-1.0, -1.0], [-1.0, -1.0]]), torch.tensor([[1.0, 1.0], [1.0, 0]])
    drawn = torch.tensor([[-1.5, -1.2], [-0.8, -9.0]])
    ratio = sampling_ratio(policy, drawn, known, "sequence_truncate", most=1.5)
    assert ratio.tolist() == [pytest.approx([1.5]), pytest.approx([0.8187], abs=1e-4)]
    ratio = sampling_ratio(policy, drawn, known, "sequence_mask", least=0.9)
    assert ratio.tolist() == [pytest.approx([2.0138], abs=1e-4), [0.0]]


@pytest.fixture(scope="module")
def trainer(half_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    options: dict[str, Any] = GRPO_SMALL | {"max_steps": 1}
    settings = RLSettings(**options)
    made, _ = trained(RLTrainer, settings, tmp_path_factory.mktemp("losses"), half_trained)
    made.current_gradient_accumulation_steps = 1
    return made


def gradients(trainer: Any, inputs: dict[str, Any]) -> dict[str, torch.Tensor]:
    trainer.model.zero_grad()
    trainer._compute_loss(trainer.model, inputs).backward()
    return {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None}


def by_hand(trainer: Any, rows: list[Any]) -> dict[str, torch.Tensor]:
    """The library's own supervised loss on prompts and completions, one row at a time."""
    trainer.model.zero_grad()
    total = sum(len(row.ids) for row in rows)
    for row in rows:
        ids = torch.tensor([row.prompt_ids + row.ids])
        labels = ids.clone()
        labels[:, : len(row.prompt_ids)] = -100
        (trainer.model(input_ids=ids, labels=labels).loss * len(row.ids) / total).backward()
    return {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None}


def close(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> None:
    for name, gradient in one.items():
        torch.testing.assert_close(gradient, two[name], rtol=2e-3, atol=1e-6)


def test_rows_of_both_kinds_add_up(trainer: Any):
    """Policy gradient of the rollouts alone, plus the supervised loss of demonstrations alone."""
    batch: RolloutBatch = trainer.collector.round(1)
    rollouts = batch.kept
    assert rollouts
    shown = trainer.collector.sampler.demonstrate([batch.rollouts[0], batch.rollouts[4]])
    for row in shown:
        row.weigh(0.0, 1.0)
    mixed = gradients(trainer, trainer._tensors([*rollouts, *shown], 0))
    rl = gradients(trainer, trainer._tensors(rollouts, 0))
    supervised = by_hand(trainer, shown)
    close(mixed, {name: rl[name] + supervised[name] for name in rl})


def test_demonstrations_alone_are_supervised_training(trainer: Any):
    batch: RolloutBatch = trainer.collector.round(1)
    shown = trainer.collector.sampler.demonstrate(batch.rollouts[:12:4])
    for row in shown:
        row.weigh(0.0, 1.0)
    before = trainer.budget.trained_tokens
    close(gradients(trainer, trainer._tensors(shown, 0)), by_hand(trainer, shown))
    assert trainer.budget.trained_tokens - before == sum(len(row.ids) for row in shown)


def test_rft_by_cross_entropy_is_rft_by_policy_gradient(trainer: Any):
    rows = trainer.collector.round(1).rollouts[:6]
    for row in rows:
        row.credit(1.0)
        row.weigh(1.0, 0.0)
    rl = gradients(trainer, trainer._tensors(rows, 0))
    for row in rows:
        row.weigh(0.0, 1.0)
    close(rl, gradients(trainer, trainer._tensors(rows, 0)))


def test_a_token_without_weight_has_no_gradient(trainer: Any):
    rows = trainer.collector.round(1).rollouts[:4]
    for row in rows:
        row.credit(1.0)
        row.weigh([1.0] + [0.0] * (len(row.ids) - 1))
    firsts = gradients(trainer, trainer._tensors(rows, 0))
    for row in rows:
        row.ids, row.mask = row.ids[:1], row.mask[:1]
        row.credit(1.0)
        row.weigh(1.0, 0.0)
    close(firsts, gradients(trainer, trainer._tensors(rows, 0)))


def test_an_engine_that_gives_log_probabilities_is_corrected_for(trainer: Any):
    rows = trainer.collector.round(1).rollouts[:4]
    for row in rows:
        row.credit(1.0)
        row.weigh(1.0, 0.0)
    plain = trainer._tensors(rows, 0)
    policy = trainer._logprobs(trainer.model, plain).detach()
    for i, row in enumerate(rows):
        row.logprobs = (policy[i, : len(row.ids)] - 0.5).tolist()
    off = trainer._tensors(rows, 0)
    seen = plain["completion_mask"] == 1
    ratio = (off["advantages"] / plain["advantages"])[seen]
    torch.testing.assert_close(ratio, torch.full_like(ratio, 1.6487), rtol=1e-3, atol=1e-3)


def test_a_treatment_that_demonstrates_trains_and_counts(half_trained: Path, tmp_path: Path):
    settings = RLSettings(**GRPO_SMALL, treatments=("grpo", f"{OUTSIDE}:Demonstrate?weight=0.5"))
    made, budget = trained(RLTrainer, settings, tmp_path, half_trained)
    logged = [logs for logs in made.state.log_history if "train/cross_entropy" in logs]
    assert logged
    assert budget.samples > budget.rollouts == 3 * 32
    assert all(torch.isfinite(p).all() for p in made.model.parameters())
