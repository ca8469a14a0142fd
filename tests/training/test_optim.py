"""Muon with AdamW: what each part steps, and that schedules and checkpoints reach both."""

import copy

import pytest
import torch
from torch.optim import AdamW

from rlskills.models.tiny import TinyConfig, tiny_model
from rlskills.training.muon import Muon
from rlskills.training.optim import MuonWithAdamW, optimizer_for, split
from rlskills.training.settings import SFTSettings

SETTINGS = SFTSettings(optimizer="muon", learning_rate=0.01, beta2=0.98, weight_decay=0.1)


@pytest.fixture
def model():
    return tiny_model(TinyConfig(hidden=16, layers=2, heads=2), 40, seed=0)


def learn(model, optimizer, steps: int, first: int = 0) -> None:
    for number in range(first, first + steps):
        generator = torch.Generator().manual_seed(number)
        ids = torch.randint(40, (4, 8), generator=generator)
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def same(one, other) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_every_parameter_has_one_part_and_tables_are_not_matrices(model):
    matrices, rest = split(model)
    assert {id(p) for p in matrices} | {id(p) for p in rest} == {id(p) for p in model.parameters()}
    assert len(matrices) + len(rest) == len(list(model.parameters()))
    names = {id(p): name for name, p in model.named_parameters()}
    assert all(names[id(p)].endswith("proj.weight") for p in matrices)
    assert len(matrices) == 2 * 7  # four of attention, three of the feed-forward block
    assert "model.embed_tokens.weight" in {names[id(p)] for p in rest}


def test_frozen_parameters_stay_out(model):
    for parameter in model.model.layers[0].parameters():
        parameter.requires_grad_(False)
    matrices, rest = split(model)
    assert len(matrices) == 7
    assert all(p.requires_grad for p in matrices + rest)


def test_it_steps_as_torchs_own_two_side_by_side(model):
    other = copy.deepcopy(model)
    learn(model, MuonWithAdamW(model, SETTINGS), 3)
    matrices, rest = split(other)
    parts = [
        Muon(matrices, 0.01, 0.1),
        AdamW(rest, lr=0.01, betas=(0.9, 0.98), weight_decay=0.1, fused=True),
    ]
    for number in range(3):
        generator = torch.Generator().manual_seed(number)
        ids = torch.randint(40, (4, 8), generator=generator)
        other(input_ids=ids, labels=ids).loss.backward()
        for part in parts:
            part.step()
            part.zero_grad()
    assert same(model, other)


@pytest.mark.parametrize("shape", [(16, 16), (64, 16), (16, 64)])
def test_muon_is_torchs_but_for_rounding(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch):
    """In float32 the two are one; torch's computes in bfloat16, which this takes from it."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    ours, theirs = (torch.nn.Parameter(torch.ones(shape)) for _ in range(2))
    parts = [
        Muon([ours], 0.01, 0.1),
        torch.optim.Muon([theirs], lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
    ]
    for number in range(3):
        grad = torch.randn(shape, generator=torch.Generator().manual_seed(number))
        for weight, part in zip((ours, theirs), parts, strict=True):
            weight.grad = grad.clone()
            part.step()
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
    assert parts[0].state_dict()["param_groups"] == parts[1].state_dict()["param_groups"]
    assert parts[0].state_dict()["state"].keys() == parts[1].state_dict()["state"].keys()


def test_no_product_of_muon_is_in_half_precision_on_a_cpu(monkeypatch: pytest.MonkeyPatch):
    def never(self: torch.Tensor) -> torch.Tensor:
        raise AssertionError("emulated on most processors")

    monkeypatch.setattr(torch.Tensor, "bfloat16", never)
    weight = torch.nn.Parameter(torch.ones(4, 8))
    weight.grad = torch.randn(4, 8)
    Muon([weight], 0.01, 0.1).step()
    assert not torch.equal(weight, torch.ones(4, 8))


def test_a_schedule_reaches_both_parts(model):
    optimizer = MuonWithAdamW(model, SETTINGS)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.0)
    before = copy.deepcopy(model)
    learn(model, optimizer, 1)
    assert same(model, before)


def test_it_goes_on_from_its_saved_state(model, tmp_path):
    optimizer = MuonWithAdamW(model, SETTINGS)
    learn(model, optimizer, 2)
    twin = copy.deepcopy(model)
    torch.save(optimizer.state_dict(), tmp_path / "state.pt")
    resumed = MuonWithAdamW(twin, SETTINGS)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt"))
    learn(model, optimizer, 3, first=2)
    learn(twin, resumed, 3, first=2)
    assert same(model, twin)
    forgetful = copy.deepcopy(twin)
    learn(forgetful, MuonWithAdamW(forgetful, SETTINGS), 1, first=5)
    learn(twin, resumed, 1, first=5)
    assert not same(twin, forgetful)


def test_only_muon_replaces_the_librarys_optimizer(model):
    assert optimizer_for(model, SFTSettings()) is None
    assert isinstance(optimizer_for(model, SETTINGS), MuonWithAdamW)
