"""Treatments in supervised arms: what they freeze, what demonstrations weigh, who is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import PrinterCallback, TrainerCallback
from trl.trainer.sft_config import SFTConfig

from rlskills.errors import UserError
from rlskills.generation.select import select_engine
from rlskills.models.loading import load
from rlskills.runs.metrics import Budget
from rlskills.training.arguments import check_arguments
from rlskills.training.collected import FOLDER, collect
from rlskills.training.fixed import FixedSFT
from rlskills.training.losses.weighed import demonstration_weights
from rlskills.training.packing import IGNORE, pack
from rlskills.training.settings import CollectSettings, SFTSettings, hashed
from rlskills.training.sft import SFT
from rlskills.training.treatments import (
    TREATMENTS,
    Treatment,
    acts,
    acts_supervised,
    make_treatment,
    supervised_specs,
)
from rlskills.training.treatments.dco import confidence_weight

from ..small import KERNELS, stream

OUTSIDE = Path(__file__).with_name("outside.py")
SETTINGS = SFTSettings(
    max_steps=4, batch_size=8, learning_rate=1e-3, eval_every=0, save_every=2,
    gradient_accumulation_steps=2,
)  # fmt: skip


def trainer(settings: Any, model: Path, folder: Path, method: Any = SFT) -> Any:
    torch.set_num_threads(1)
    made = method(load(str(model), KERNELS), stream(), settings, folder / "checkpoints")
    made.remove_callback(PrinterCallback)
    return made


def weights(made: Any) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in made.model.named_parameters()}


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> set[str]:
    return {name for name, value in one.items() if torch.equal(value, two[name])}


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_the_frozen_half_stays_and_all_else_moves(
    small_model: Path, tmp_path: Path, optimizer: str
):
    settings = replace(SETTINGS, treatments=("half_fine_tuning",), weight_decay=0.1, save_every=9,
                       optimizer=optimizer)  # fmt: skip
    made = trainer(settings, small_model, tmp_path)
    before = weights(made)
    made.train()
    frozen = set(made.treatments[0].frozen(list(before), 0))
    assert sum("_proj" in name for name in frozen) == 7  # of 14 in two layers
    assert same(before, weights(made)) == frozen


class Stop(TrainerCallback):
    def on_step_end(self, args: Any, state: Any, control: Any, **more: object) -> None:
        if state.global_step == 3:
            raise KeyboardInterrupt


def test_a_stopped_run_ends_with_the_same_bits(half_trained: Path, tmp_path: Path):
    """The half that is frozen follows from the checkpoint: the run goes on under another seed."""
    settings = replace(SETTINGS, treatments=("half_fine_tuning?every=2", "dco?n=4"))
    whole = trainer(settings, half_trained, tmp_path / "whole")
    start = weights(whole)
    whole.train()
    stopped = trainer(settings, half_trained, tmp_path / "torn")
    stopped.add_callback(Stop())
    with pytest.raises(KeyboardInterrupt):
        stopped.train()
    last = trainer(replace(settings, seed=9), half_trained, tmp_path / "torn")
    last.train(resume_from_checkpoint=str(tmp_path / "torn/checkpoints/checkpoint-2"))
    assert same(weights(whole), weights(last)) == start.keys()
    assert last.own_state() == whole.own_state()
    # Half of them, and then another half: what both left is less.
    left = same(start, weights(whole))
    assert 0 < sum("_proj" in name for name in left) < 7
    logged = [line["treatment/dco/weight"] for line in whole.state.log_history if "loss" in line]
    assert len(logged) == 4
    assert all(0 < weight < 1 for weight in logged)


@pytest.mark.parametrize("one_row", [True, False])
def test_weights_are_those_of_whole_demonstrations(one_row: bool):
    """By hand: of 8 samples, at p = 1/8 and 1/2; prompts and padding weigh nothing."""
    known = {5: log(0.125) / 2, 6: log(0.5) / 3, 7: -40.0}
    sequences = [([1, 5, 5], [0, 1, 1]), ([2, 2, 6, 6, 6], [0, 0, 1, 1, 1]), ([3, 7], [0, 1])]
    packed = pack(sequences, 0, one_row)
    labels = packed["labels"]
    assert len(labels) == (1 if one_row else 2)
    behind = labels[:, 1:]
    logprobs = torch.zeros(behind.shape)
    for token, value in known.items():
        logprobs[behind == token] = value
    found = demonstration_weights(
        logprobs, labels, packed["position_ids"], [make_treatment("dco?n=8")]
    )
    for token, weight in {5: 0.598265, 6: 0.031373, 7: 1.0}.items():
        assert found[behind == token].tolist() == pytest.approx(
            [weight] * int((behind == token).sum()), abs=1e-5
        )
    assert bool((found[behind == IGNORE] == 1).all())


class Rising(Treatment):
    """Tokens count the more, the later they are."""

    def demonstrated(self, logprobs: Sequence[Tensor]) -> Sequence[Tensor]:
        return [1.0 + torch.arange(len(each)) for each in logprobs]


def test_weights_may_be_of_tokens_and_multiply():
    packed = pack([([1, 5, 5], [0, 1, 1])], 0, one_row=True)
    logprobs = torch.full((1, 2), log(0.125) / 2)
    found = demonstration_weights(
        logprobs, packed["labels"], packed["position_ids"], [Rising(), make_treatment("dco?n=8")]
    )
    assert found[0].tolist() == pytest.approx([0.598265, 2 * 0.598265], abs=1e-5)


def test_a_part_without_anything_to_learn_has_weights_too():
    packed = pack([([1, 5], [0, 0])], 0, one_row=True)
    found = demonstration_weights(
        torch.zeros(1, 1), packed["labels"], packed["position_ids"], [make_treatment("dco")]
    )
    assert found.tolist() == [[1.0]]


def test_the_gradient_is_that_of_the_weighted_cross_entropy(half_trained: Path, tmp_path: Path):
    made = trainer(replace(SETTINGS, treatments=("dco?n=8",)), half_trained, tmp_path)
    made.model.train()
    batch = next(iter(made))
    sequences = made._sequences(stream().draw(8))[::2]  # the first of two parts
    count = torch.tensor(50.0)
    made.compute_loss(made.model, dict(batch), num_items_in_batch=count).backward()
    theirs = {name: value.grad.clone() for name, value in made.model.named_parameters()}
    made.model.zero_grad()
    total, found = torch.tensor(0.0), []
    for ids, learned in sequences:
        logits = made.model(input_ids=torch.tensor([ids])).logits[0, :-1]
        each = logits.log_softmax(-1).gather(1, torch.tensor(ids)[1:, None])[:, 0]
        mine = (each * torch.tensor(learned)[1:]).sum()
        found.append(confidence_weight(8, mine.item()))
        total = total - found[-1] * mine / count
    total.backward()
    assert min(found) < 0.5
    for name, value in made.model.named_parameters():
        torch.testing.assert_close(theirs[name], value.grad, rtol=1e-3, atol=1e-6)
    assert made.treatments[0].metrics()["weight"] == pytest.approx(sum(found) / 4, abs=1e-4)


def test_one_sample_is_the_plain_loss_and_many_are_not(half_trained: Path, tmp_path: Path):
    ended = []
    for number, treatments in enumerate([(), ("dco?n=1",), ("dco?n=64",)]):
        settings = replace(SETTINGS, max_steps=2, save_every=9, treatments=treatments)
        made = trainer(settings, half_trained, tmp_path / str(number))
        made.train()
        ended.append(weights(made))
    plain, one, many = ended
    assert same(plain, one) == plain.keys()
    assert not same(plain, many)


def test_fixed_data_sets_are_trained_on_alike(half_trained: Path, tmp_path: Path):
    settings = CollectSettings(
        problems=12, samples=4, max_new_tokens=6, batch_size=8, skip_solved=False, save_every=9,
        treatments=("half_fine_tuning", "dco?n=4"),
    )  # fmt: skip
    loaded = load(str(half_trained), KERNELS)
    engine, folder = select_engine(loaded), tmp_path / FOLDER
    kept = collect(loaded, engine, stream(), settings, folder, Budget())["kept"]
    made = trainer(settings.resolved(kept), half_trained, tmp_path, FixedSFT)
    before = weights(made)
    made.train()
    assert same(before, weights(made)) == set(made.treatments[0].frozen(list(before), 0))
    assert 0 < made.state.log_history[0]["treatment/dco/weight"] < 1


class FreezesAndPunishes(Treatment):
    """Freezes all, and has a rule for rollouts beside that."""

    def frozen(self, names: Sequence[str], step: int) -> Sequence[str]:
        return names

    def credit(self, batch: Any) -> None:
        pass


def test_what_is_about_rollouts_is_refused_by_name(small_model: Path, tmp_path: Path):
    act = {name for name in TREATMENTS.names() if acts_supervised(TREATMENTS.find(name))}
    assert act == {"dco", "half_fine_tuning"}
    for name in (*(set(TREATMENTS.names()) - act), f"{OUTSIDE}:Wander"):
        with pytest.raises(UserError, match="samples none; dco and half_fine_tuning act") as error:
            supervised_specs(["dco", name])
        assert str(error.value).startswith(f"treatment {name} is about rollouts")
        assert "\n" not in str(error.value)
    assert not acts_supervised(FreezesAndPunishes)
    assert acts_supervised(Rising)
    assert acts(Rising) == ["demonstrated"]
    with pytest.raises(UserError, match="'dco' is named twice"):
        supervised_specs(["dco", "dco?n=2"])
    for settings in (SETTINGS, CollectSettings()):
        with pytest.raises(UserError, match="treatment star is about rollouts"):
            check_arguments(replace(settings, treatments=("star",)), SFTConfig)
    with pytest.raises(UserError, match="treatment grpo is about rollouts"):
        trainer(replace(SETTINGS, treatments=("grpo",)), small_model, tmp_path)


@pytest.mark.parametrize("given", ["loss_type=dft", "label_smoothing_factor=0.1"])
def test_weights_are_for_the_plain_loss(given: str):
    settings = replace(SETTINGS, trl=(given,))
    check_arguments(replace(settings, treatments=("half_fine_tuning",)), SFTConfig)
    with pytest.raises(UserError, match=f"dco weighs the plain cross-entropy .* trl {given}"):
        check_arguments(replace(settings, treatments=("dco",)), SFTConfig)
    plain = replace(SETTINGS, trl=("loss_type=nll",), treatments=("dco",))
    check_arguments(plain, SFTConfig)


def test_runs_without_treatments_keep_their_hashes():
    for settings in (SETTINGS, CollectSettings()):
        assert "treatments" not in hashed(settings)
        assert hashed(replace(settings, treatments=("dco",)))["treatments"] == ("dco",)
