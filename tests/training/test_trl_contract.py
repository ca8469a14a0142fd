"""What our trainers rely on in TRL and transformers; fails loudly when a release moves it."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from transformers import PrinterCallback, Trainer
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.sft_trainer import SFTTrainer

from rlskills.curricula import Uniform
from rlskills.environments import GraderError
from rlskills.models.loading import load
from rlskills.runs.metrics import Budget
from rlskills.training.resume import ExactResume
from rlskills.training.settings import LossType, RLSettings
from rlskills.training.sft import SFT
from rlskills.training.stream import Source, TaskStream
from rlskills.training.trl import RLTrainer

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
        load(str(model), KERNELS), tasks or stream(),
        settings, folder, budget=budget,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return trainer, budget


def parameters(function) -> list[str]:
    return list(inspect.signature(function).parameters)


OVERRIDDEN = {
    RLTrainer: {
        "_generate_and_score_completions", "_get_per_token_logps_and_entropies", "_compute_loss",
        "get_train_dataloader",
    },
    SFT: {"get_train_dataloader", "compute_loss"},
    ExactResume: {
        "training_step", "_get_output_dir", "_save_checkpoint", "create_model_card",
        "_load_optimizer_and_scheduler", "_load_from_checkpoint", "_prepare_for_training",
        "create_accelerator_and_postprocess",
    },
}  # fmt: skip


@pytest.mark.parametrize("ours", OVERRIDDEN, ids=lambda cls: cls.__name__)
def test_every_override_of_the_libraries_is_listed(ours: type):
    """What a release of TRL or transformers may break is known; the docstrings name it too."""
    theirs = SFTTrainer if ours is SFT else GRPOTrainer
    found = {
        name for name, value in vars(ours).items()
        if callable(value) and name in dir(theirs) and not name.startswith("__")
    }  # fmt: skip
    assert found == OVERRIDDEN[ours]
    about = sys.modules[ours.__module__].__doc__ or ""
    assert all(f"`{name}`" in about for name in found)


def test_the_overridden_methods_have_the_signatures_we_call():
    grpo = GRPOTrainer
    assert parameters(grpo._generate_and_score_completions) == ["self", "inputs"]
    assert parameters(grpo._compute_loss) == ["self", "model", "inputs"]
    assert parameters(grpo._get_per_token_logps_and_entropies)[:5] == [
        "self", "model", "input_ids", "attention_mask", "logits_to_keep",
    ]  # fmt: skip
    assert parameters(SFTTrainer.compute_loss) == [
        "self", "model", "inputs", "return_outputs", "num_items_in_batch",
    ]  # fmt: skip
    assert parameters(Trainer._save_checkpoint) == ["self", "model", "trial"]
    assert parameters(Trainer._load_optimizer_and_scheduler) == ["self", "checkpoint"]
    assert parameters(Trainer._prepare_for_training) == [
        "self", "max_steps", "train_dataloader", "resume_from_checkpoint",
    ]  # fmt: skip
    assert parameters(Trainer._get_output_dir) == ["self", "trial"]


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
    trained(RLTrainer, RLSettings(**GRPO_SMALL), tmp_path, half_trained, tasks)
    assert spy.events == ["sample 8", "observe 8 of 4"] * 3


class Picky(Uniform):
    """Lets nothing into the loss."""

    name = "picky"

    def admit(self, outcome):
        return False


def test_what_a_curriculum_does_not_admit_is_not_learned_from(half_trained: Path, tmp_path: Path):
    tasks = TaskStream({"L1": Source(Bits(), "train", 1)}, Picky(["L1"]))
    trainer, _ = trained(RLTrainer, RLSettings(**GRPO_SMALL), tmp_path, half_trained, tasks)
    before = load(str(half_trained), KERNELS).model.state_dict()
    after = trainer.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_budgets_count_what_was_spent(half_trained: Path, tmp_path: Path):
    trainer, budget = trained(RLTrainer, RLSettings(**GRPO_SMALL), tmp_path, half_trained)
    assert budget.rollouts == budget.samples == 3 * 8 * 4
    assert 0 < budget.trained_tokens <= budget.generated_tokens <= 3 * 8 * 4 * 6
    assert trainer.state.global_step == 3


@pytest.mark.parametrize("loss", get_args(LossType))
def test_every_loss_trains(half_trained: Path, tmp_path: Path, loss):
    trainer, _ = trained(RLTrainer, RLSettings(**GRPO_SMALL, loss=loss), tmp_path, half_trained)
    before = load(str(half_trained), KERNELS).model.state_dict()
    after = trainer.model.state_dict()
    assert all(torch.isfinite(value).all() for value in after.values())
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_kl_needs_a_reference_and_gets_one(half_trained: Path, tmp_path: Path):
    trainer, _ = trained(RLTrainer, RLSettings(**GRPO_SMALL, beta=0.1), tmp_path, half_trained)
    assert trainer.ref_model is not None
    assert all("kl" in logs for logs in trainer.state.log_history if "loss" in logs)


KEEP, REFILL = ("grpo?zero_variance=keep",), ("grpo", "dynamic_sampling?max_resamples=2")


@pytest.mark.parametrize("treatments", [("grpo",), KEEP, REFILL], ids=str)
def test_groups_without_variance(half_trained: Path, tmp_path: Path, treatments):
    settings = RLSettings(**GRPO_SMALL, treatments=treatments)
    trainer, budget = trained(RLTrainer, settings, tmp_path, half_trained)
    if treatments == KEEP:
        assert budget.trained_tokens == budget.generated_tokens
    else:
        assert budget.trained_tokens < budget.generated_tokens
    if treatments == REFILL:
        assert 3 * 32 < budget.rollouts <= 3 * 32 * 3
    else:
        assert budget.rollouts == 3 * 32
    assert all(torch.isfinite(p).all() for p in trainer.model.parameters())


def test_dropping_them_leaves_only_groups_that_can_teach(half_trained: Path, tmp_path: Path):
    trainer, _ = trained(RLTrainer, RLSettings(**GRPO_SMALL), tmp_path, half_trained)
    batch = trainer._generate_and_score_completions(next(iter(trainer)))
    live = int((trainer.rounds[0].rewards().view(-1, 4).std(1) > 0).sum())
    assert live
    rows = batch["advantages"].sum(1) / batch["completion_mask"].sum(1)
    assert len(rows) == 4 * live
    assert bool((rows.view(-1, 4).sum(1).abs() < 1e-4).all())


def test_trl_computes_the_same_advantages(half_trained: Path, tmp_path: Path):
    """Ours, on the rewards of a round, against the lines of TRL's own trainer."""
    settings = RLSettings(**GRPO_SMALL)
    trainer, _ = trained(RLTrainer, settings, tmp_path, half_trained)
    batch = trainer.collector.round(3)
    ours = torch.stack([rollout.advantages[0] for rollout in batch])
    rewards = batch.rewards()
    theirs = RLTrainer(
        load(str(half_trained), KERNELS), stream(),
        settings, tmp_path / "other",
    )  # fmt: skip
    given = [[1]] * 32, ["x"] * 32
    theirs._generate = lambda prompts: (  # pyright: ignore[reportAttributeAccessIssue]
        given[0], given[0], None, given[1], None, {}, None, None,
    )  # fmt: skip
    theirs._calculate_rewards = lambda *_: rewards[:, None]  # pyright: ignore[reportAttributeAccessIssue]
    inputs: Any = [{"prompt": "x"}] * 32
    output = GRPOTrainer._generate_and_score_completions(theirs, inputs)
    assert torch.equal(output["advantages"], ours)  # pyright: ignore[reportArgumentType]


def test_rft_has_the_gradient_of_the_supervised_loss(half_trained: Path, tmp_path: Path):
    settings = RLSettings(treatments=("rft",), **GRPO_SMALL)
    trainer, _ = trained(RLTrainer, settings, tmp_path, half_trained)
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
        trained(RLTrainer, RLSettings(**GRPO_SMALL), tmp_path, half_trained, tasks)
    assert "task:" in str(error.value)
    assert "completion:" in str(error.value)


def test_a_group_shares_one_task(half_trained: Path, tmp_path: Path):
    options: dict[str, Any] = GRPO_SMALL | {"max_steps": 1}
    trainer, _ = trained(RLTrainer, RLSettings(**options), tmp_path, half_trained)
    groups = [{id(r.task) for r in group} for group in trainer.rounds[0].groups()]
    assert [len(group) for group in groups] == [1] * 8
    assert len(set.union(*groups)) == 8


def test_training_metrics_have_our_tags(half_trained: Path, tmp_path: Path):
    trainer, _ = trained(RLTrainer, RLSettings(**GRPO_SMALL), tmp_path, half_trained)
    logged = trainer.state.log_history[0]
    for tag in (
        "train/accuracy", "train/L1/accuracy", "train/skill/copy1/accuracy", "train/reward",
        "train/zero_variance_groups", "train/parse_failures", "entropy", "train/response_length",
        "curriculum/probability/L1", "curriculum/method/entropy", "train/reward_std",
        "train/truncated",
    ):  # fmt: skip
        assert tag in logged, tag
