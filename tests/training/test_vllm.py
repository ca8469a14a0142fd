"""Training with vLLM as the engine, end to end on its stand-in: colocated and as a server."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from rlskills.experiments import ArmConfig, Supervision
from rlskills.generation.vllm import VLLM
from rlskills.models.loading import load
from rlskills.models.vllm_settings import VLLMSettings
from rlskills.runs.metrics import metric_lines
from rlskills.training.settings import CollectSettings, RLSettings, hashed
from rlskills.training.trl import RLTrainer

from ..generation.stand_in import LLM, Wire, use_stand_in
from ..generation.stand_in_server import StandInServer
from .small import KERNELS, MACHINE, run, small_study, stream

RL = RLSettings(
    max_steps=2, prompts_per_step=8, group_size=4, max_new_tokens=6, learning_rate=1e-2,
    eval_every=1, save_every=2, engine="vllm", treatments=("grpo?zero_variance=keep",),
)  # fmt: skip
COLLECT = CollectSettings(
    problems=8, samples=4, max_new_tokens=4, batch_size=8, eval_every=0, engine="vllm"
)


def rounded(weight: torch.Tensor) -> torch.Tensor:
    """As the stand-in holds it."""
    return weight.to(torch.bfloat16).float()


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return use_stand_in(monkeypatch)


def test_grpo_on_a_server(half_trained: Path, tmp_path: Path, wire: Wire):
    server = StandInServer(str(half_trained), wire)
    machine = replace(MACHINE, vllm=VLLMSettings("server", server_url=server.url))
    rl = ArmConfig("rl", Supervision.ANSWERS, RL, stream())
    try:
        run(small_study(rl, model=str(half_trained)), tmp_path, machine)
    finally:
        server.go()
    folder = tmp_path / "seed0" / "rl"
    trained = load_file(folder / "model" / "model.safetensors")
    received = server.weights.received
    assert len(received) == RL.max_steps + 1, "before the first step, and after each"
    held = dict(server.weights.model.named_parameters())
    assert [set(each) for each in received] == [set(held)] * len(received)
    before = load_file(half_trained / "model.safetensors")
    for name, weight in held.items():
        assert torch.equal(weight, rounded(trained[name])), "those of the last step"
    assert any(not torch.equal(before[name], weight) for name, weight in trained.items())
    ratios = [line["metrics"].get("train/sampling_ratio") for line in
              metric_lines(folder / "metrics.jsonl")]  # fmt: skip
    assert [ratio for ratio in ratios[1:] if abs(ratio - 1) > 1e-5], "the correction acts"
    assert all(abs(ratio - 1) < 0.2 for ratio in ratios[1:])
    kinds = {(body["n"], body["temperature"]) for body in server.asked}
    assert kinds == {(4, 1.0), (1, 0.0), (2, 1.0)}, "rounds, greedy answers, samples of the end"
    evaluated = json.loads((folder / "evaluation.json").read_text())["eval_sets"]
    assert sum(len(each["tasks"]) for each in evaluated) == 16
    assert wire.group.store is wire.group.socket is None, "it has left the group at the end"


@pytest.mark.parametrize("sleep", [False, True])
def test_one_vllm_serves_all_arms_of_a_study(
    half_trained: Path, tmp_path: Path, sleep: bool, monkeypatch: pytest.MonkeyPatch
):
    """Also an arm that only evaluates, and one whose data set the model of another one samples."""
    compute, steps = RLTrainer._compute_loss, []

    def noted(*arguments: Any) -> torch.Tensor:
        steps.append(bool(LLM.made[0].awake))
        return compute(*arguments)

    monkeypatch.setattr(RLTrainer, "_compute_loss", noted)
    base = ArmConfig("base", Supervision.NONE)
    rl = ArmConfig("rl", Supervision.ANSWERS, RL, stream(), "base")
    fixed = ArmConfig("fixed", Supervision.ANSWERS, COLLECT, stream(9), "base", sampler="rl")
    machine = replace(MACHINE, vllm=VLLMSettings(sleep=sleep))
    run(small_study(base, rl, fixed, model=str(half_trained)), tmp_path, machine)
    assert len(LLM.made) == 1
    assert LLM.live == [], "its memory is given back"
    (llm,) = LLM.made
    # base; steps 0 to 2 of RL; the model that samples; the last arm at the beginning, at the end of
    # its curve, and when all of its evaluation begins.
    loads = llm.events.count("load")
    assert loads == 8 if not sleep else loads > 8, loads
    assert steps == [not sleep] * RL.max_steps, "it sleeps while the model trains"
    last = load_file(tmp_path / "seed0" / "fixed" / "model" / "model.safetensors")
    assert all(
        torch.equal(weight, rounded(last[name]))
        for name, weight in llm.weights.model.named_parameters()
    )


def weighted(settings: RLSettings, model: Path, folder: Path) -> tuple[Any, dict[str, Any]]:
    torch.set_num_threads(1)
    loaded = load(str(model), KERNELS)
    trainer: Any = RLTrainer(loaded, stream(), settings, folder, engine=VLLM(loaded))
    return trainer, trainer._generate_and_score_completions(next(iter(trainer)))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"rollout_ratio_max": 1.001, "rollout_ratio_min": 0.999},
        {"rollout_correction": "token_mask", "rollout_ratio_max": 1.001},
        {"rollout_correction": "sequence_truncate", "rollout_ratio_max": 1.003},
        {"rollout_correction": "sequence_mask", "rollout_ratio_max": 1.003},
    ],
    ids=str,
)
def test_advantages_are_weighted_with_the_ratio(half_trained: Path, tmp_path: Path, change):
    _, plain = weighted(replace(RL, rollout_correction="off"), half_trained, tmp_path / "off")
    settings = replace(RL, **change)
    trainer, found = weighted(settings, half_trained, tmp_path / "on")
    assert torch.equal(found["completion_ids"], plain["completion_ids"])
    with torch.no_grad():
        policy = trainer._logprobs(trainer.model, found)
    expected = []
    for row, rollout in enumerate(trainer.rounds[0]):
        drawn = torch.tensor(rollout.logprobs)
        ratio = policy[row, : len(drawn)] - drawn
        if settings.rollout_correction.startswith("sequence"):
            ratio = ratio.sum().expand(len(drawn))
        ratio, low, high = ratio.exp(), settings.rollout_ratio_min, settings.rollout_ratio_max
        if settings.rollout_correction.endswith("mask"):
            ratio = ratio * ((low <= ratio) & (ratio <= high))
        expected += (plain["advantages"][row, : len(drawn)] * ratio.clamp(low, high)).tolist()
    kept = found["completion_mask"] > 0
    assert found["advantages"][kept].tolist() == pytest.approx(expected, abs=1e-6)
    assert not torch.allclose(found["advantages"], plain["advantages"], rtol=1e-5)


def test_vespo_has_a_place_of_its_own_for_the_ratio(half_trained: Path, tmp_path: Path):
    vespo = replace(RL, loss="vespo")
    off = weighted(replace(vespo, rollout_correction="off"), half_trained, tmp_path / "off")[1]
    _, found = weighted(vespo, half_trained, tmp_path / "on")
    assert torch.equal(found["advantages"], off["advantages"])
    assert found["importance_sampling_ratio"].shape == found["completion_ids"].shape
    assert "importance_sampling_ratio" not in off


def test_the_correction_is_part_of_the_hash_only_where_it_is_set():
    """What was trained before it could be set keeps its hash."""
    later = ("rollout_", "max_rollouts")
    plain = {name: value for name, value in asdict(RL).items() if not name.startswith(later)}
    assert hashed(RL) == plain
    changed = replace(RL, rollout_correction="off", rollout_ratio_max=3.0)
    assert hashed(changed) == plain | {"rollout_correction": "off", "rollout_ratio_max": 3.0}
