"""What our trainers rely on in TRL and transformers; fails loudly when a release moves it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from transformers import PrinterCallback, Trainer
from trl.trainer.grpo_trainer import GRPOTrainer

from rlskills.curricula import Uniform
from rlskills.environments import GraderError, Score
from rlskills.models.loading import load_model, load_tokenizer
from rlskills.runs.metrics import Budget
from rlskills.training.grpo import GRPO
from rlskills.training.rft import RFT
from rlskills.training.settings import GRPOSettings, LossType, RFTSettings
from rlskills.training.sft import SFT
from rlskills.training.stream import Source, TaskStream

from .small import KERNELS, Bits, stream

GRPO_SMALL: dict[str, Any] = {
    "max_steps": 3,
    "prompts_per_step": 8,
    "group_size": 4,
    "max_new_tokens": 6,
    "save_every": 100,
}


def trained(
    method: Any, settings: Any, folder: Path, model: Path, tasks: TaskStream | None = None
) -> tuple[Any, Budget]:
    torch.set_num_threads(1)
    budget = Budget()
    trainer = method(
        load_model(str(model), KERNELS), load_tokenizer(str(model)), tasks or stream(),
        settings, folder, budget=budget,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return trainer, budget


def score(correct: bool) -> Score:
    return Score(correct, float(correct), {"answer": float(correct)}, "ok", "")


def parameters(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_overridden_methods_have_the_signatures_we_call():
    grpo = GRPOTrainer
    assert parameters(grpo._generate_and_score_completions) == ["self", "inputs"]
    assert parameters(grpo._calculate_rewards) == [
        "self", "inputs", "prompts", "completions", "completion_ids_list",
    ]  # fmt: skip
    assert parameters(grpo._generate_single_turn)[:5] == [
        "self", "prompt_ids", "images", "multimodal_fields", "num_generations",
    ]  # fmt: skip
    assert "rollout_func" in parameters(grpo.__init__)
    assert parameters(Trainer._save_checkpoint) == ["self", "model", "trial"]
    assert parameters(Trainer._load_optimizer_and_scheduler) == ["self", "checkpoint"]
    assert parameters(Trainer._get_output_dir) == ["self", "trial"]
    for method in (GRPO, SFT):
        assert callable(method.training_step)


class Spy(Uniform):
    """Notes the order of draws and observations."""

    name = "spy"

    def __init__(self, units):
        super().__init__(units)
        self.events: list[str] = []

    def sample(self, k):
        self.events.append(f"sample {k}")
        return super().sample(k)

    def observe(self, outcomes):
        super().observe(outcomes)
        self.events.append(f"observe {len(outcomes)} of {len(outcomes[0].rewards)}")


def test_no_lag_every_draw_has_seen_all_outcomes(half_trained: Path, tmp_path: Path):
    spy = Spy(["L1"])
    tasks = TaskStream({"L1": Source(Bits(), "train", 1)}, spy)
    trained(GRPO, GRPOSettings(**GRPO_SMALL), tmp_path, half_trained, tasks)
    assert spy.events == ["sample 8", "observe 8 of 4"] * 3


class Picky(Uniform):
    """Lets nothing into the loss."""

    name = "picky"

    def admit(self, outcome):
        return False


def test_what_a_curriculum_does_not_admit_is_not_learned_from(half_trained: Path, tmp_path: Path):
    tasks = TaskStream({"L1": Source(Bits(), "train", 1)}, Picky(["L1"]))
    trainer, _ = trained(GRPO, GRPOSettings(**GRPO_SMALL), tmp_path, half_trained, tasks)
    before = load_model(str(half_trained), KERNELS).state_dict()
    after = trainer.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_budgets_count_what_was_spent(half_trained: Path, tmp_path: Path):
    trainer, budget = trained(GRPO, GRPOSettings(**GRPO_SMALL), tmp_path, half_trained)
    assert budget.rollouts == budget.samples == 3 * 8 * 4
    assert 0 < budget.trained_tokens <= budget.generated_tokens <= 3 * 8 * 4 * 6
    assert trainer.state.global_step == 3


@pytest.mark.parametrize("loss", get_args(LossType))
def test_every_loss_trains(half_trained: Path, tmp_path: Path, loss):
    trainer, _ = trained(GRPO, GRPOSettings(**GRPO_SMALL, loss=loss), tmp_path, half_trained)
    before = load_model(str(half_trained), KERNELS).state_dict()
    after = trainer.model.state_dict()
    assert all(torch.isfinite(value).all() for value in after.values())
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_kl_needs_a_reference_and_gets_one(half_trained: Path, tmp_path: Path):
    trainer, _ = trained(GRPO, GRPOSettings(**GRPO_SMALL, beta=0.1), tmp_path, half_trained)
    assert trainer.ref_model is not None
    assert all("kl" in logs for logs in trainer.state.log_history if "loss" in logs)


@pytest.mark.parametrize("dead", ["keep", "drop", "refill"])
def test_dead_groups(half_trained: Path, tmp_path: Path, dead):
    settings = GRPOSettings(**GRPO_SMALL, dead_groups=dead, max_rounds=3)
    trainer, budget = trained(GRPO, settings, tmp_path, half_trained)
    if dead == "keep":
        assert budget.trained_tokens == budget.generated_tokens
    if dead == "refill":
        assert 3 * 32 <= budget.rollouts <= 3 * 32 * 3
    else:
        assert budget.rollouts == 3 * 32
    assert all(torch.isfinite(p).all() for p in trainer.model.parameters())


def test_dropping_dead_groups_leaves_only_rows_that_can_teach(half_trained: Path, tmp_path: Path):
    trainer, _ = trained(GRPO, GRPOSettings(**GRPO_SMALL), tmp_path, half_trained)
    batch = trainer._generate_and_score_completions(next(iter(trainer)))
    rewards = torch.tensor([s.reward for s in trainer._scores]).view(-1, 4)
    live = int((rewards.std(1) > 0).sum())
    assert len(batch["advantages"]) == max(1, 4 * live)
    assert live
    assert bool((batch["advantages"].view(-1, 4).sum(1).abs() < 1e-4).all())


def test_rft_learns_from_right_completions_only(half_trained: Path, tmp_path: Path):
    settings = RFTSettings(**GRPO_SMALL, max_per_prompt=2)
    trainer, _ = trained(RFT, settings, tmp_path, half_trained)
    correct = torch.tensor([True, True, True, False, False, True, False, False])
    scores = [score(bool(c)) for c in correct]
    advantages, keep = trainer.choose(scores, torch.zeros(8))
    assert keep.tolist() == [True, True, False, False, False, True, False, False]
    assert advantages.tolist() == [1.0] * 8
    trainer.settings = RFTSettings(**GRPO_SMALL, skip_solved=True)
    scores = [score(c) for c in [True] * 4 + [True, False, False, True]]
    assert trainer.choose(scores, torch.zeros(8))[1].tolist() == [False] * 4 + [
        True, False, False, True,
    ]  # fmt: skip


def test_rft_has_the_gradient_of_the_supervised_loss(half_trained: Path, tmp_path: Path):
    trainer, _ = trained(RFT, RFTSettings(**GRPO_SMALL), tmp_path, half_trained)
    batch = trainer._generate_and_score_completions(next(iter(trainer)))
    kept = batch["advantages"] > 0
    assert bool(kept.any())
    trainer.model.zero_grad()
    trainer.current_gradient_accumulation_steps = 1
    trainer._compute_loss(trainer.model, batch).backward()
    theirs = {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None}
    trainer.model.zero_grad()
    ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1)
    mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], 1)
    labels = ids.masked_fill(mask == 0, -100)
    labels[:, : batch["prompt_ids"].shape[1]] = -100
    trainer.model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
    for name, parameter in trainer.model.named_parameters():
        torch.testing.assert_close(parameter.grad, theirs[name], rtol=1e-3, atol=1e-6)


class Broken(Bits):
    """A grader with a bug."""

    name = "broken"

    def verify(self, task, answer):
        raise KeyError("ref_output")


def test_a_grader_that_raises_stops_the_run(half_trained: Path, tmp_path: Path):
    tasks = TaskStream({"L1": Source(Broken(), "train", 1)}, Uniform(["L1"]))
    with pytest.raises(GraderError, match=r"grader of broken raised KeyError") as error:
        trained(GRPO, GRPOSettings(**GRPO_SMALL), tmp_path, half_trained, tasks)
    assert "task:" in str(error.value)
    assert "completion:" in str(error.value)


def test_a_group_shares_one_task(half_trained: Path, tmp_path: Path, monkeypatch):
    groups: list[list[int]] = []
    grade = GRPO._grade

    def noted(self: Any, completions: Any, completion_ids: Any, drawn: Any, **rest: Any) -> Any:
        groups.extend([id(one.task) for one in drawn[i : i + 4]] for i in range(0, len(drawn), 4))
        return grade(self, completions, completion_ids, drawn, **rest)

    monkeypatch.setattr(GRPO, "_grade", noted)
    options: dict[str, Any] = GRPO_SMALL | {"max_steps": 1}
    trained(GRPO, GRPOSettings(**options), tmp_path, half_trained)
    assert [len(set(group)) for group in groups] == [1] * 8
    assert len({group[0] for group in groups}) == 8


def test_training_metrics_have_our_tags(half_trained: Path, tmp_path: Path):
    trainer, _ = trained(GRPO, GRPOSettings(**GRPO_SMALL), tmp_path, half_trained)
    logged = trainer.state.log_history[0]
    for tag in (
        "train/accuracy", "train/L1/accuracy", "train/skill/copy1/accuracy", "train/dead_groups",
        "train/parse_failures", "entropy", "completions/mean_length", "curriculum/probability/L1",
    ):  # fmt: skip
        assert tag in logged, tag
